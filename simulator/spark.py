"""What `spark-submit` is asked for: its arguments, taken apart as Spark takes them apart.

The options and the words of its refusals are those of Spark 4.1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_VALUED = {
    "--archives", "--class", "--conf", "--deploy-mode", "--driver-class-path", "--driver-cores",
    "--driver-java-options", "--driver-library-path", "--driver-memory", "--exclude-packages",
    "--executor-cores", "--executor-memory", "--files", "--jars", "--keytab", "--master", "--name",
    "--num-executors", "--packages", "--principal", "--properties-file", "--proxy-user",
    "--py-files", "--queue", "--repositories", "--total-executor-cores",
}  # fmt: skip
_SWITCHES = {"--supervise", "--verbose", "--load-spark-defaults"}
_SHORT = {"-c": "--conf", "-v": "--verbose"}
# The setting that an option is another way to give.
_SETTINGS = {
    "--archives": "spark.archives",
    "--deploy-mode": "spark.submit.deployMode",
    "--driver-class-path": "spark.driver.extraClassPath",
    "--driver-cores": "spark.driver.cores",
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--driver-memory": "spark.driver.memory",
    "--executor-cores": "spark.executor.cores",
    "--executor-memory": "spark.executor.memory",
    "--files": "spark.files",
    "--jars": "spark.jars",
    "--master": "spark.master",
    "--name": "spark.app.name",
    "--num-executors": "spark.executor.instances",
    "--py-files": "spark.submit.pyFiles",
    "--queue": "spark.yarn.queue",
}
_MASTERS = ("yarn", "local")


class UsageError(Exception):
    """Arguments that spark-submit refuses before it does anything: what it says, exit code 1."""


@dataclass
class Submission:
    """What to submit: the script, its own arguments, and how."""

    primary: str
    arguments: list[str]
    settings: dict[str, str] = field(default_factory=dict)
    """What --conf sets, and the options that are other ways to set it."""
    options: list[str] = field(default_factory=list)
    """All other options, as given."""

    @property
    def is_cluster(self) -> bool:
        """Whether the driver runs on the cluster and not where spark-submit is called."""
        return self.settings.get("spark.submit.deployMode") == "cluster"

    def files(self, setting: str) -> list[str]:
        """A setting that is a list of files."""
        return [name for name in self.settings.get(setting, "").split(",") if name]


def parse(arguments: Sequence[str]) -> Submission:
    """Take apart what follows `spark-submit`. Raises `UsageError`."""
    options: list[str] = []
    settings: dict[str, str] = {}
    chosen: dict[str, str] = {}
    rest = iter(arguments)
    for name, value, given in _options(rest):
        if name == "--conf":
            key, equals, text = value.partition("=")
            if not equals:
                raise UsageError(f"Error: Spark config without '=': {value}")
            settings[key] = text
        elif name in _SETTINGS:
            chosen[_SETTINGS[name]] = value
        elif name:
            options += given
        else:
            # Whatever the order, an option wins over --conf.
            found = Submission(value, list(rest), settings | chosen, options)
            _check(found)
            return found
    raise UsageError("Error: Missing application resource.")


def _options(rest: Iterator[str]) -> Iterator[tuple[str, str, list[str]]]:
    """The options, each with its value and as given; last the application, without a name."""
    for word in rest:
        name, equals, value = word.partition("=")
        name = _SHORT.get(name, name)
        if name in _SWITCHES:
            yield name, "", [word]
        elif name in _VALUED:
            if not equals:
                value = next(rest, "")
                if not value:
                    raise UsageError(f"Error: Missing argument for option '{name}'.")
            yield name, value, [name, value]
        elif word.startswith("-"):
            raise UsageError(f"Error: Unrecognized option: {word}")
        else:
            yield "", word, [word]


def _check(found: Submission) -> None:
    master = found.settings.get("spark.master", "yarn")
    if not master.startswith(_MASTERS):
        raise UsageError(f"Error: Master must either be yarn or start with local: {master}")
    mode = found.settings.get("spark.submit.deployMode", "client")
    if mode not in {"client", "cluster"}:
        raise UsageError('Error: --deploy-mode must be either "client" or "cluster"')
    attempts = found.settings.get("spark.yarn.maxAppAttempts", "1")
    if not attempts.isdecimal():
        raise UsageError(f"Error: spark.yarn.maxAppAttempts should be int, but was {attempts}")
    if mode == "cluster" and master != "yarn":
        raise UsageError(f'Error: Cluster deploy mode is not compatible with master "{master}"')
