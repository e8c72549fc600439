"""What the simulator runs, it runs as a cluster would: with what was shipped, and no more."""

import io
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator, spark
from simulator.machine import Machine, MissingFile
from simulator.releases import RELEASES
from tests.aws.emr.asked import arrived, cluster, objects, states, step, until
from tests.support.process import ROOT

RELEASE = RELEASES["emr-spark-8.1.0"]
# It says where all that it runs on comes from, writes with Spark, and fails if told to.
ENTRY = """
import os, sys
import gristmill, extra
from gristmill import jobs
from gristmill.spark.session import session
spark = session("shipped")
workers = spark.sparkContext.parallelize([1]).map(lambda _: __import__("gristmill").__file__)
print("gristmill", gristmill.__file__)
print("jobs", jobs.__file__)
print("worker", workers.first())
print("extra", extra.__file__)
print("cwd", os.getcwd())
print("path", ":".join(sys.path))
spark.range(7).repartition(1).write.parquet(sys.argv[1])
if sys.argv[2:]:
    raise ValueError("told to fail")
"""
# A Python that is found on the cluster, as the Python of an archive that moves has to be.
PYTHON = """#!/bin/sh
PYTHONPATH="environment/lib:$PYTHONPATH" exec python3.11 "$@"
"""


def put(aws: Simulator, key: str, body: bytes) -> str:
    aws.client("s3").put_object(Bucket=aws.bucket, Key=key, Body=body)
    return f"s3://{aws.bucket}/{key}"


def code() -> bytes:
    """This checkout's code, as it is shipped."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder, name in ((ROOT / "lib" / "gristmill", ""), (ROOT / "jobs", "jobs")):
            for path in folder.rglob("*.py"):
                archive.write(path, Path("gristmill", name, path.relative_to(folder)))
    return packed.getvalue()


def environment(links: dict[str, str] | None = None) -> bytes:
    """An archive with a Python and a module; `links` are from names to where they lead."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in (("bin/python", PYTHON), ("lib/extra.py", "")):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return packed.getvalue()


@pytest.mark.thorough
def test_spark_runs_what_was_shipped_and_nothing_of_this_checkout(
    aws: Simulator, emr: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "lib"))
    out = f"s3://{aws.bucket}/runs/out"
    archive = put(aws, "runs/env.tar.gz", environment())
    settings = {
        "spark.archives": f"{archive}#environment",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": "./environment/bin/python",
        "spark.executorEnv.PYSPARK_PYTHON": "./environment/bin/python",
        "spark.yarn.maxAppAttempts": "1",
    }
    words = ["spark-submit", "--deploy-mode", "cluster", "--name", "shipped"]
    for key, value in settings.items():
        words += ["--conf", f"{key}={value}"]
    words += ["--py-files", put(aws, "runs/gristmill.zip", code())]
    words += [put(aws, "runs/entry.py", ENTRY.encode()), out, "fail"]
    here = emr.run_job_flow(**cluster(aws, Steps=[step(*words)]))["JobFlowId"]
    until(lambda: states(emr, here) == ["FAILED"], 50)
    (found,) = emr.list_steps(ClusterId=here)["Steps"]
    logs = arrived(aws, f"logs/{here}/containers/", 2)
    (driver,) = (text for name, text in logs.items() if name.endswith("_01_000001/stdout"))
    told = dict(re.findall(r"^(\w+) (.*)$", driver.decode(), re.MULTILINE))
    assert told["cwd"] == str(Path(told["gristmill"]).parents[2])
    assert told["gristmill"].endswith("/gristmill.zip/gristmill/__init__.py")
    assert told["jobs"].endswith("/gristmill.zip/gristmill/jobs/__init__.py")
    assert told["worker"].endswith("/gristmill.zip/gristmill/__init__.py")
    assert told["extra"].endswith("environment/lib/extra.py")
    assert not {str(ROOT), f"{ROOT}/lib"} & set(told["path"].split(":"))
    assert b"ValueError: told to fail" in driver
    # Beside the markers of the folder itself, and of Spark's success.
    (written,) = (name for name in objects(aws, "runs/out/") if name not in {"", "_SUCCESS"})
    assert written.endswith(".parquet")
    said = arrived(aws, f"logs/{here}/steps/{found['Id']}/", 4)["stderr"]
    (application,) = {name.split("/")[0] for name in logs}
    assert f"Application report for {application} (state: RUNNING)".encode() in said
    assert f"SparkException: Application {application} finished with failed".encode() in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--nonsense", "x.py"], "Error: Unrecognized option: --nonsense"),
        ([], "Error: Missing application resource."),
        (["--conf"], "Error: Missing argument for option '--conf'."),
        (["--conf", "key", "x.py"], "Error: Spark config without '=': key"),
        (["--master", "mars", "x.py"], "Error: Master must either be yarn"),
        (["--deploy-mode", "moon", "x.py"], 'Error: --deploy-mode must be either "client"'),
        (["--deploy-mode", "cluster", "--master", "local", "x.py"], "Error: Cluster deploy mode"),
        (["--conf", "spark.yarn.maxAppAttempts=x", "x.py"], "should be int, but was x"),
        (["--deploy-mode", "cluster", "s3://gristmill/none.py"], "No such file or directory: s3:"),
        (["/home/me/entry.py"], "File /home/me/entry.py does not exist"),
    ],
)
def test_what_spark_submit_would_not_take_fails_before_spark_starts(
    aws: Simulator, emr: Any, words: list[str], says: str
) -> None:
    here = emr.run_job_flow(**cluster(aws, Steps=[step("spark-submit", *words)]))["JobFlowId"]
    until(lambda: states(emr, here) == ["FAILED"])
    (found,) = emr.list_steps(ClusterId=here)["Steps"]
    place = f"logs/{here}/steps/{found['Id']}/"
    assert says in arrived(aws, place, 4)["stderr"].decode()
    assert not objects(aws, f"logs/{here}/containers/")


def test_arguments_are_taken_apart_as_spark_does() -> None:
    words = ["--conf=a=b=c", "--py-files", "x.zip,y.zip", "-c", "spark.master=local", "-v"]
    found = spark.parse([*words, "--master", "yarn", "main.py", "--conf", "mine"])
    assert found.arguments == ["--conf", "mine"]
    assert found.primary == "main.py"
    assert found.settings["a"] == "b=c"
    assert found.settings["spark.master"] == "yarn"
    assert found.files("spark.submit.pyFiles") == ["x.zip", "y.zip"]
    assert found.options == ["-v"]


@pytest.fixture
def machine(aws: Simulator, tmp_path: Path) -> Machine:
    return Machine(tmp_path, aws.environ, aws.client("s3"))


@pytest.mark.parametrize(
    ("name", "is_there"),
    [("python3.11", True), ("/usr/bin/python3.13", True), ("python3", True), ("python3.12", False)],
)
def test_the_pythons_are_those_of_the_release(machine: Machine, name: str, is_there: bool) -> None:
    assert Path(machine.python(name, RELEASE)).exists() is is_there


def test_a_link_to_the_python_of_another_machine_leads_nowhere(
    aws: Simulator, machine: Machine, tmp_path: Path
) -> None:
    links = {"bin/python3": "/home/me/venv/bin/python3", "bin/python3.11": "/usr/bin/python3.11"}
    uri = put(aws, "runs/linked.tar.gz", environment(links))
    machine.unpack(f"{uri}#environment", tmp_path, RELEASE)
    there = {path.name: path.exists() for path in (tmp_path / "environment/bin").iterdir()}
    assert there == {"python": True, "python3.11": True}
    with pytest.raises(MissingFile, match="No such file or directory"):
        machine.fetch(f"s3://{aws.bucket}/none", tmp_path)
