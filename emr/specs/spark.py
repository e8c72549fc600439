"""Settings of Spark in a spec: which are ours, which hold secrets, which YARN would change."""

import re
from collections.abc import Iterator, Mapping

Problem = tuple[str, str]
"""A field, and what is wrong with it."""

_SECRET = re.compile(r"secret|password|passwd|token|access[._-]?key|credential", re.IGNORECASE)
_OURS = {
    "spark.yarn.tags": "Gristmill sets itself: cancelling a run ends what has its tag",
    "spark.submit.deployMode": "say it as deploy_mode",
    "spark.app.name": "Gristmill sets itself: a run is found by it",
    "spark.master": "EMR sets itself",
}
# Options of Java are words of a container's command; the two names Spark itself fills in before.
_JAVA = re.compile(r"spark\.(driver|executor|yarn\.am)\.(extra|default)JavaOptions")
_FILLED_IN = re.compile(r"{{(APP_ID|EXECUTOR_ID)}}")


def problems(settings: Mapping[str, str]) -> Iterator[Problem]:
    """The rules that settings break."""
    for key in settings:
        if not key.startswith("spark."):
            yield f"spark.{key}", "a setting of Spark begins with spark. (of Hadoop: spark.hadoop.)"
        elif key in _OURS:
            yield f"spark.{key}", _OURS[key]
        elif _SECRET.search(key) and settings[key] not in {"true", "false"}:
            yield (
                f"spark.{key}",
                "looks like a secret, which anybody who may describe a step could read: "
                "give a role instead, or the ARN of a secret to the job",
            )


def changed_by_yarn(settings: Mapping[str, str]) -> list[str]:
    """Notes on settings that do not reach a driver or an executor on YARN as they are written."""
    return [
        f"{key}: YARN puts $ in the place of {{{{ and takes out }}}}: on a cluster it is not what "
        "is written"
        for key, value in settings.items()
        if _JAVA.fullmatch(key) and re.search("{{|}}", _FILLED_IN.sub("", value))
    ]
