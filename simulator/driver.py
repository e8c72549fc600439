"""A Spark driver as it runs on a cluster: with what was shipped, and nothing of this checkout."""

from pathlib import Path

from simulator.machine import Machine
from simulator.releases import Release
from simulator.spark import Submission

# What this machine decides, or has put in place itself.
_OURS = {
    "spark.archives",
    "spark.driver.extraClassPath",
    "spark.driver.extraJavaOptions",
    "spark.driver.cores",
    "spark.driver.memory",
    "spark.files",
    "spark.jars",
    "spark.master",
    "spark.submit.deployMode",
    "spark.submit.pyFiles",
}
_PYTHONS = {
    "PYSPARK_PYTHON",
    "PYSPARK_DRIVER_PYTHON",
    "spark.pyspark.python",
    "spark.pyspark.driver.python",
}


def command(
    submission: Submission, machine: Machine, release: Release, folder: Path, variables: str
) -> tuple[list[str], dict[str, str], Path]:
    """The command line of a driver, its environment, and `folder`, in which it runs.

    Brings there what the submission names. Settings that begin with `variables` are environment
    variables of the driver. Raises `MissingFile`, `GristmillError`.
    """
    entry = machine.fetch(submission.primary, folder)
    packages = [str(machine.fetch(uri, folder)) for uri in submission.files("spark.submit.pyFiles")]
    for archive in submission.files("spark.archives"):
        machine.unpack(archive, folder, release)
    given = dict(submission.settings)
    jars = [str(machine.fetch(uri, folder)) for uri in submission.files("spark.jars")]
    for uri in submission.files("spark.files"):
        machine.fetch(uri, folder)
    classes = [f"{machine.connector}/*", *jars, given.get("spark.driver.extraClassPath", "")]
    settings = {
        **machine.spark_settings(),
        "spark.driver.extraClassPath": ":".join(filter(None, classes)),
        "spark.driver.extraJavaOptions": " ".join(
            # Java compiles quickly rather than well: what is run here is over before more pays.
            ["-XX:TieredStopAtLevel=1", given.get("spark.driver.extraJavaOptions", "")]
        ).strip(),
        "spark.driver.memory": "1g",
        "spark.local.dir": str(folder / "local"),
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        **{key: value for key, value in given.items() if key not in _OURS},
    }
    if not settings.get("spark.eventLog.dir", "").startswith("s3"):
        # EMR keeps these on the cluster's HDFS, or in storage of its own.
        settings["spark.eventLog.enabled"] = "false"
    environ = {
        **machine.environ(release, folder),
        **machine.spark_environ(),
        "PYSPARK_PYTHON": "python3",
        **{k.removeprefix(variables): v for k, v in given.items() if k.startswith(variables)},
    }
    for found in (environ, settings):
        for key in _PYTHONS & found.keys():
            found[key] = machine.python(found[key], release)
    argv = [str(machine.spark_home / "bin" / "spark-submit"), "--master", "local[2]"]
    for key, value in settings.items():
        argv += ["--conf", f"{key}={value}"]
    if packages:
        argv += ["--py-files", ",".join(packages)]
    return [*argv, *submission.options, str(entry), *submission.arguments], environ, folder
