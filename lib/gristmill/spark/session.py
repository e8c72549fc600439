"""The SparkSession for laptop, tests and cluster, and the settings that every job relies on."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any, TypeVar

import pyspark
from py4j.protocol import Py4JNetworkError
from pyspark import InheritableThread
from pyspark.sql import SparkSession

from gristmill.spark import archive, kept
from gristmill.spark import s3a as s3
from gristmill.spark.archive import JAVA_OPTIONS
from gristmill.spark.java import Java, find_java
from gristmill.spark.jdbc import DRIVERS, database_kind
from gristmill.spark.settings import RUN, active_session

T = TypeVar("T")

_CLASS_PATH, _MORE_JARS = "spark.driver.extraClassPath", "SPARK_DIST_CLASSPATH"
_LONGEST_END_SECONDS = 30.0
_TRIES, _PAUSE_SECONDS = 5, 0.1

SETTINGS: dict[str, str] = {
    **{key: value for key, value in RUN.items() if key.startswith("spark.")},
    # What it would add to messages that nobody is shown costs a run half a second.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Java never compiles a method of more than 8000 bytes; parsing took three times as long in one.
    "spark.sql.codegen.hugeMethodLimit": "8000",
    # A hundred by default: the jobs of bills compile more than that, and the next run all again.
    "spark.sql.codegen.cache.maxEntries": "1000",
}
"""What a session is started with, wherever it runs."""


def local_settings() -> dict[str, str]:
    """Settings for one machine: all cores, half the memory, no web interface, little start-up."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    megabytes = max(1024, min(memory // 1_000_000, 16_384))
    return {
        "spark.master": "local[*]",
        "spark.driver.memory": f"{megabytes}m",
        # With it Java does compile long methods, which is faster still than shorter ones.
        "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods",
        "spark.sql.codegen.hugeMethodLimit": "65535",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Adaptive execution merges the small ones.
        "spark.sql.shuffle.partitions": str(max(16, 4 * (os.cpu_count() or 1))),
        "spark.sql.warehouse.dir": str(Path(gettempdir()) / "spark-warehouse"),
    }


def submitted() -> bool:
    """Whether spark-submit started this process, and so chose the master and the Java."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def spark_version() -> str:
    """The version of the Spark that a session on this machine would be."""
    return pyspark.__version__


def use_java() -> Java:
    """Find a Java and have Spark start with it. Raises `GristmillError` where there is none."""
    java = find_java()
    os.environ["JAVA_HOME"] = str(java.home)
    return java


def settings_for(uris: Iterable[str], notice: Callable[[str], None]) -> dict[str, str]:
    """What a session on this machine needs to reach `uris`: nothing for files on this disk.

    `notice` is told before anything is fetched. Raises `GristmillError` where it cannot be had.
    """
    if submitted():
        return {}
    named = set(uris)
    jars = [DRIVERS[kind] for kind in sorted(DRIVERS) if kind in map(database_kind, named)]
    found: dict[str, str] = {}
    if any(uri.partition("://")[0] in s3.SCHEMES for uri in named):
        jars.append(s3.JARS)
        found = s3.settings(os.environ)
    if jars:
        found["spark.driver.extraClassPath"] = ":".join(f"{jar.folder(notice)}/*" for jar in jars)
    return found


def session(
    name: str,
    settings: Mapping[str, str] | None = None,
    *,
    debug: bool = False,
    quiet: bool | None = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> SparkSession:
    """A SparkSession called `name`: the cluster's under spark-submit, else one on this machine,
    which may be kept from an earlier run (`kept`). `end` ends it.

    `settings` come last. If `quiet`, by default unless `debug`, what this process prints to its
    standard error while the JVM starts, which is what the JVM has to say of that, is dropped.
    `tell` hears which Spark it is. Raises `GristmillError` where there is no Java for it.
    """
    if quiet is None:
        quiet = not (debug or submitted())
    chosen = dict(SETTINGS)
    if not submitted():
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        chosen |= local_settings()
    chosen |= settings or {}

    def start(settings: Mapping[str, str]) -> tuple[SparkSession, str]:
        if submitted():
            return _started(name, settings, quiet=quiet), ""
        java = use_java()
        tell(f"starting Spark {spark_version()} on {java}")
        own = dict(settings)
        own[JAVA_OPTIONS] = f"{own.get(JAVA_OPTIONS, '')} {archive.options(java)}".strip()
        with _behind_sparks_own_jars(own.pop(_CLASS_PATH, "")):
            return _started(name, own, quiet=quiet), str(java)

    if kept.is_on():
        spark = _whole(lambda: kept.session(chosen, start, tell))
        spark.sparkContext.setLocalProperty("spark.scheduler.pool", f"process {os.getpid()}")
        if os.environ.get("PYTHONPATH"):
            # Workers of an earlier run may have loaded what is imported from there, as it was.
            spark.sparkContext.environment["GRISTMILL_PROCESS"] = str(os.getpid())
    else:
        spark = _whole(lambda: start(chosen)[0])
    # Java keeps one for each of its threads, of which each of Python's has its own.
    active_session(spark)
    if not debug:
        spark.sparkContext.setLogLevel("OFF" if quiet else "ERROR")
    return spark


@contextlib.contextmanager
def _behind_sparks_own_jars(class_path: str) -> Iterator[None]:
    """Have the JVM take jars behind those of Spark: in front of them, where the setting would put
    them, the archive of classes would fit no more."""
    before = os.environ.get(_MORE_JARS)
    os.environ[_MORE_JARS] = ":".join(filter(None, (before, class_path)))
    try:
        yield
    finally:
        del os.environ[_MORE_JARS]
        if before is not None:
            os.environ[_MORE_JARS] = before


_held: list[SparkSession] = []
_holds: list[bool] = []


@contextlib.contextmanager
def held(*, is_held: bool = True) -> Iterator[None]:
    """Until the block ends, `end` leaves a session for the next that asks `session` for one."""
    if not is_held:
        yield
        return
    _holds.append(True)
    try:
        yield
    finally:
        _holds.pop()
        while _held:
            end(_held.pop())


def end(spark: SparkSession) -> None:
    """Stop a session that `session` gave, unless it is to be kept, or `held`."""
    if _holds:
        _held[:] = [spark]
        return
    aside(partial(kept.let_go, spark) if kept.is_on() else spark.stop)


def _started(name: str, settings: Mapping[str, str], *, quiet: bool) -> SparkSession:
    builder = SparkSession.builder.appName(name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    # A JVM that outlives this process must not hold its standard output open.
    streams = (1, 2) if kept.is_on() else (2,)
    with _turned_away(streams) if quiet else contextlib.nullcontext():
        return builder.getOrCreate()


def _whole(start: Callable[[], SparkSession]) -> SparkSession:
    """What `start` gives, also after Ctrl-C, which then counts.

    A JVM that is left while it starts would never end. In a thread of its own the start is not
    interrupted, nor does PySpark set a handler for Ctrl-C.
    """
    given: list[SparkSession] = []
    failed: list[BaseException] = []
    ended = threading.Event()

    def quietly() -> None:
        try:
            given.append(start())
        except BaseException as error:
            failed.append(error)
        finally:
            ended.set()

    threading.Thread(target=quietly).start()
    interrupted = False
    while not ended.is_set():
        try:
            ended.wait()
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        for spark in given:
            end(spark)
        raise KeyboardInterrupt
    if failed:
        raise failed[0]
    return given[0]


def aside(work: Callable[[], T]) -> T | None:
    """What `work` gives, done in a thread of its own; None where it raises an exception.

    A thread has its own connection to the JVM; that of a thread which Ctrl-C has stopped may be
    in the middle of an answer. A new one may be closed as soon as it is made, while the JVM is busy
    with the call that was stopped; so `work`, which may be repeated, is tried again then.
    """

    given: list[T] = []

    def quietly() -> None:
        for _ in range(_TRIES):
            try:
                given.append(work())
            except Py4JNetworkError:
                time.sleep(_PAUSE_SECONDS)
            except Exception:
                return
            else:
                return

    thread = threading.Thread(target=quietly)
    thread.start()
    thread.join()
    return given[0] if given else None


def to_its_end(spark: SparkSession, work: Callable[[], None]) -> None:
    """Do `work`, a call of Spark, whose jobs belong to this thread's job group.

    Ctrl-C leaves a call in the middle, and Java then goes on with it by itself. So it is made in
    another thread: here Ctrl-C cancels its jobs, and waits for the call to come back.
    """
    failed: list[BaseException] = []

    def quietly() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = InheritableThread(quietly, session=spark)
    thread.start()
    try:
        thread.join()
    except BaseException:
        group = spark.sparkContext.getLocalProperty("spark.jobGroup.id")
        context: Any = spark._jsc
        aside(lambda: context.sc().cancelJobGroupAndFutureJobs(group))
        thread.join(_LONGEST_END_SECONDS)
        raise
    if failed:
        raise failed[0]


@contextlib.contextmanager
def _turned_away(streams: Collection[int]) -> Iterator[None]:
    # The JVM inherits the descriptors, so they have to be turned away below Python's own streams.
    before = {stream: os.dup(stream) for stream in streams}
    with TemporaryFile() as nowhere:
        for stream in streams:
            os.dup2(nowhere.fileno(), stream)
        try:
            yield
        except Exception:
            nowhere.seek(0)
            os.write(before[2], nowhere.read())
            raise
        finally:
            for stream, descriptor in before.items():
                os.dup2(descriptor, stream)
                os.close(descriptor)
