"""The flags of `gristmill emr`, and what is wrong with them: nobody is asked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gristmill.cli import main
from tests.support.emr_specs import account
from tests.support.process import Finished

Emr = Callable[..., Finished]

JOB = ("access-logs", "--input", "s3://logs/a b/", "--output", "s3://out/web")


@pytest.fixture
def emr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Emr:
    """A command with an AWS where nobody listens."""
    monkeypatch.setenv("GRISTMILL_EMR_ACCOUNT", str(account(tmp_path)))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def run(*arguments: str) -> Finished:
        code = main(["emr", *arguments])
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return run


@pytest.mark.parametrize("spec", ["dev", "nightly", "serverless"])
def test_each_spec_that_comes_with_it_can_be_planned(emr: Emr, spec: str) -> None:
    for what in (["up", "--cluster", spec], ["submit", "--cluster", spec, *JOB]):
        done = emr("plan", *what)
        assert done.code == 0, done.err
        assert json.loads(done.out)


def test_a_deployment_can_be_planned(emr: Emr) -> None:
    done = emr(
        "plan", "deploy", "--vpc", "vpc-01234567", "--subnet", "subnet-01234567", "--stack", "x"
    )
    assert done.code == 0, done.err
    request = json.loads(done.out)["CreateChangeSet"]
    assert request["StackName"] == "x"
    assert {"ParameterKey": "VpcId", "ParameterValue": "vpc-01234567"} in request["Parameters"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["submit", "no-such-job"], "no job is named 'no-such-job'; there are: word-count"),
        (["submit", *JOB, "--colour"], "no flag --colour: "),
        (["submit", *JOB, "--format", "x"], "--format takes one of"),
        (["submit", "access-logs", "--input", "data", "--output", "s3://o/o"], "upload it to S3"),
        (["submit", "--run", "a b", *JOB], "--run takes 1 to 48 letters"),
        (["submit", "--cluster", "serverless", "--transient", *JOB], "leave it out"),
        (["submit", "--cluster", "nothing", *JOB], "name one of dev, nightly, serverless"),
        (["submit", "--prices", "/dev/null", *JOB], "no prices in /dev/null"),
        (["plan", "submit"], "which job?"),
        (["plan", "deploy"], "needs SubnetIds and VpcId"),
        (["deploy", "--vpc", "x", "--log-days", "0"], "log_days: must be 1 or more"),
        (["fly"], "no command 'fly'; there are: submit, plan"),
        (["attach"], "required: RUN"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_asked(
    emr: Emr, arguments: list[str], says: str
) -> None:
    done = emr(*arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
