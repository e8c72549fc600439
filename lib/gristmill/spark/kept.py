"""A Spark that outlives the run which started it, and serves the next ones.

A run may use it only if it would start the very same: `key` tells them apart.
"""

import contextlib
import hashlib
import json
import os
import resource
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from py4j.finalizer import ThreadSafeFinalizer
from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from gristmill.spark.archive import JAVA_OPTIONS
from gristmill.spark.java import candidates

_PORT, _SECRET = "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"


@dataclass(frozen=True)
class Kept:
    """A Spark that runs: how it is reached, and what is told of it."""

    port: int
    secret: str
    process: int
    java: str
    folder: str


class Keeper(Protocol):
    """Who keeps what runs have started."""

    def find(self, key: str) -> Kept | None:
        """What is kept under a key; None where this process is to start it, and then to `keep` it
        or to `give_up`."""

    def keep(self, key: str, spark: Kept, alive: int) -> None:
        """Keep a Spark, for as long as the open file `alive` is."""

    def give_up(self, key: str) -> None:
        """Nothing was started."""

    def retire(self, key: str) -> None:
        """Give what is kept to no other run; without a key, what this process uses."""


_keepers: list[Keeper] = []


def keep_with(keeper: Keeper) -> None:
    """Have what this process starts of Spark kept, and use what is."""
    _keepers.append(keeper)


def is_on() -> bool:
    """Whether the Spark of this process outlives it."""
    return bool(_keepers)


def session(
    settings: Mapping[str, str],
    start: Callable[[Mapping[str, str]], tuple[SparkSession, str]],
    tell: Callable[[str], None],
) -> SparkSession:
    """A session on the Spark that is kept for these settings; where none is, on one that `start`
    starts, which gives the default session of it and the name of its Java, and that is kept."""
    (keeper,) = _keepers
    java_options = f"{settings.get(JAVA_OPTIONS, '')} {_SHRINKING}"
    settings = {**settings, **_SHARED, JAVA_OPTIONS: java_options}
    name = key(settings)
    while found := keeper.find(name):
        spark = _attached(found)
        if spark and _is_clean(spark):
            tell(f"Spark {spark.version} is warm, on {found.java}")
            return spark
        keeper.retire(name)
        if spark:
            let_go(spark)
        _forget()
    try:
        spark, java = start(settings)
        kept, alive = _started(java)
    except BaseException:
        keeper.give_up(name)
        raise
    keeper.keep(name, kept, alive)
    tell("Spark stays warm for the next run (gristmill help warm)")
    return spark.newSession()


# Java gives memory back while nothing runs: after small runs 0.7 GB are left of 1.9.
_SHRINKING = "-XX:G1PeriodicGCInterval=15000 -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=30"
# A small run beside a large one gets its share of the cores.
_SHARED = {"spark.scheduler.mode": "FAIR"}


def key(settings: Mapping[str, str]) -> str:
    """What tells one Spark from another: all that the JVM of this process would be started with,
    and that it would pass on to Python's workers and to files."""
    mask = os.umask(0o077)
    os.umask(mask)
    limits = [(name, resource.getrlimit(number)) for name, number in _limits()]
    whose = [os.getuid(), os.getgid(), *sorted(os.getgroups())]
    told = [
        sorted(settings.items()),
        sorted((k, v) for k, v in os.environ.items() if not _is_of_no_account(k)),
        [*map(str, (Path.cwd(), mask, limits, whose))],
        [_look(place) for place in _files()],
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


_OF_NO_ACCOUNT = frozenset(
    {
        *("_", "COLORTERM", "COLUMNS", "FORCE_COLOR", "INVOCATION_ID", "JOURNAL_STREAM", "LINES"),
        *("LS_COLORS", "MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "NO_COLOR", "OLDPWD"),
        *("PS1", "PS2", "PWD", "SHLVL", "STY", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION"),
        *("TERM_SESSION_ID", "WINDOWID", "XDG_SESSION_ID", "AWS_BATCH_JOB_ARRAY_INDEX"),
    }
)
_OF_NO_ACCOUNT_STARTS = ("GRISTMILL_", "SSH_", "TMUX", "VSCODE_", "KITTY_")


def _is_of_no_account(name: str) -> bool:
    """Whether a variable is of a shell or a terminal. Any other may be what a job goes by."""
    return name in _OF_NO_ACCOUNT or name.startswith(_OF_NO_ACCOUNT_STARTS)


def _limits() -> Iterator[tuple[str, int]]:
    for name in ("RLIMIT_NOFILE", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NPROC"):
        if hasattr(resource, name):
            yield name, getattr(resource, name)


def _files() -> Iterator[Path]:
    """Files that Java reads as it starts, or keeps what it has read of."""
    for home, _ in candidates():
        yield home / "bin" / "java"
    folders = [os.environ.get(f"{name}_CONF_DIR") for name in ("SPARK", "HADOOP", "YARN")]
    if home_of_spark := os.environ.get("SPARK_HOME"):
        folders.append(f"{home_of_spark}/conf")
    for folder in filter(None, folders):
        yield from sorted(Path(folder).glob("*"))
    aws = Path("~/.aws").expanduser()
    yield Path(os.environ.get("AWS_CONFIG_FILE", aws / "config"))
    yield Path(os.environ.get("AWS_SHARED_CREDENTIALS_FILE", aws / "credentials"))


def _look(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0
    return str(path), found.st_mtime_ns, found.st_size


def _started(java: str) -> tuple[Kept, int]:
    """How a Spark that this process has started is reached, and the file that keeps it alive."""
    gateway: Any = SparkContext._gateway
    parameters = gateway.java_parameters
    kept = Kept(parameters.port, parameters.auth_token, gateway.proc.pid, java, str(Path.cwd()))
    # Java ends when nobody holds the other end of its standard input.
    return kept, gateway.proc.stdin.fileno()


def _attached(kept: Kept) -> SparkSession | None:
    """A session of its own on a Spark that runs; None where that has died."""
    os.environ.update({_PORT: str(kept.port), _SECRET: kept.secret})
    try:
        gateway: Any = launch_gateway()  # type: ignore[no-untyped-call]
        java = gateway.jvm.org.apache.spark
        found = java.SparkContext.getOrCreate()
        context = gateway.jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(found)
        conf: Any = SparkConf(_jconf=context.getConf())
        python = SparkContext(gateway=gateway, jsc=context, conf=conf)
        default = java.sql.classic.SparkSession.getDefaultSession().get()
        spark = SparkSession(python, jsparkSession=default.newSession())
    except (Py4JError, OSError):
        return None
    finally:
        # With them this process would seem to be one that spark-submit started.
        del os.environ[_PORT], os.environ[_SECRET]
    return spark


def _forget() -> None:
    """Have PySpark know of no Spark, so that it starts one."""
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None


def _is_clean(spark: SparkSession) -> bool:
    """Whether no run has left rows in memory, which another would take for those of its files."""
    session: Any = spark._jsparkSession
    return bool(session.sharedState().cacheManager().isEmpty())


def let_go(spark: SparkSession) -> None:
    """Leave a Spark that is kept as it was found, and have it not given to others where it is
    not."""
    if not _is_clean(spark):
        for keeper in _keepers:
            keeper.retire("")
    context: Any = spark.sparkContext
    shutil.rmtree(context._temp_dir, ignore_errors=True)
    client = context._gateway._gateway_client
    start = f"{client.address}{client.port}"
    with contextlib.suppress(Py4JError, OSError):
        # Java keeps what a process names until that lets it go, or ends as the one that started it.
        for name in list(ThreadSafeFinalizer.finalizers):
            if name.startswith(start):
                client.garbage_collect_object(name.removeprefix(start), False)
