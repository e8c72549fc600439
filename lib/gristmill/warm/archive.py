"""Making the archive from which Spark starts: a JVM that does what runs do, and writes at its end
what it has loaded for that."""

import fcntl
import logging
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark import SparkContext

from gristmill.api.run import run
from gristmill.errors import GristmillError
from gristmill.jobs import access_logs, traffic_summary
from gristmill.sample import write_samples
from gristmill.spark.archive import archive_of, base_of, while_recording
from gristmill.spark.java import Java
from gristmill.spark.session import session, use_java

_LONGEST_SECONDS = 300
_IN_NOBODYS_WAY = 19  # of what `nice` takes


def make_aside() -> None:
    """Have the archive made by a process that is in nobody's way, unless there is one."""
    if not archive_of(use_java()).is_file():
        subprocess.Popen(
            [sys.executable, "-P", "-m", "gristmill.warm.archive", str(_IN_NOBODYS_WAY)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )


def make() -> None:
    """Make the archive for the Java of this machine, unless there is one.

    It takes a minute of one core, and 170 MB of this environment's disk. Raises `GristmillError`.
    """
    java = use_java()
    archive = archive_of(java)
    if archive.is_file():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    with archive.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.is_file():
            with TemporaryDirectory(dir=archive.parent) as scratch:
                _make(java, archive, Path(scratch))


def _make(java: Java, archive: Path, scratch: Path) -> None:
    made = scratch / "classes.jsa"
    base = None
    if not (java.home / "lib" / "server" / "classes.jsa").is_file():
        # The archive on top of it holds its name.
        base = base_of(archive)
        base.unlink(missing_ok=True)
        dump = [f"{java.home}/bin/java", "-Xshare:dump", f"-XX:SharedArchiveFile={base}"]
        subprocess.run(dump, check=True, capture_output=True, timeout=_LONGEST_SECONDS)
    spark = session("gristmill archive", while_recording(made, base))
    write_samples(scratch / "samples", requests=1000, words=1000)
    output = scratch / "out"
    run(access_logs.JOB, input=scratch / "samples" / "logs", output=output, spark=spark)
    run(traffic_summary.JOB, input=output, output=output, spark=spark)
    java_process = SparkContext._gateway.proc  # type: ignore[union-attr]
    spark.stop()
    # It ends with its standard input, and is done once it has written what it has loaded.
    java_process.stdin.close()
    java_process.wait(_LONGEST_SECONDS)
    if not made.is_file():
        raise GristmillError(f"{java} made no archive of its classes: runs start without one")
    made.replace(archive)


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    os.nice(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    try:
        make()
    except (GristmillError, OSError, subprocess.SubprocessError) as failure:
        sys.exit(f"gristmill: {failure}")
