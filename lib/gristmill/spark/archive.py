"""An archive of the classes that Spark loads, from which its JVM starts in two thirds of the time.

Java calls it class data sharing: a JVM writes at its end what it has loaded, and later ones on the
same class path map that into memory
(https://docs.oracle.com/en/java/javase/21/vm/class-data-sharing.html). Where it does not fit, or is
not there, Java starts without it.
"""

import hashlib
import sys
from pathlib import Path

import pyspark

from gristmill.spark.java import Java

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
# What Java says of an archive that does not fit would go to standard output.
_QUIETLY = "-Xlog:disable"


def options(java: Java) -> str:
    """What a Java is told to start Spark from the archive; nothing where there is none."""
    archive = archive_of(java)
    if not archive.is_file():
        return ""
    base = base_of(archive)
    files = f"{base}:{archive}" if base.is_file() else f"{archive}"
    return f"-XX:SharedArchiveFile={files} -Xshare:auto {_QUIETLY}"


def while_recording(archive: Path, base: Path | None) -> dict[str, str]:
    """Settings with which the JVM of Spark writes `archive` at its end. `base` is that of Java's
    own classes, where Java came without one."""
    on_base = f"-XX:SharedArchiveFile={base} " if base else ""
    return {JAVA_OPTIONS: f"{on_base}-XX:ArchiveClassesAtExit={archive} {_QUIETLY}"}


def archive_of(java: Java) -> Path:
    """Where the archive for a Java is, or would be: in this environment, as the jars are whose
    classes it holds."""
    binary, jars = (java.home / "bin" / "java").stat(), Path(pyspark.__file__).parent / "jars"
    made_of = (java.home, java.version, binary.st_size, binary.st_mtime_ns)
    where = (jars, jars.stat().st_mtime_ns, pyspark.__version__)
    name = hashlib.sha256(repr((*made_of, *where)).encode()).hexdigest()[:12]
    return Path(sys.prefix) / "share" / "gristmill" / f"classes-{name}.jsa"


def base_of(archive: Path) -> Path:
    """The archive of Java's own classes that goes with one, for a Java that comes without it."""
    return archive.with_suffix(".base.jsa")
