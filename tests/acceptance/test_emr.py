"""`gristmill emr` where it needs no AWS: what it would ask for, and what it refuses."""

import json
import sys
from pathlib import Path

from gristmill.runs.encoded import decode
from tests.support.emr_specs import account
from tests.support.process import BIN, Finished, finish

# Nobody listens there: who calls AWS fails.
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}
JOB = ("access-logs", "--input", "s3://logs/a b/", "--output", "s3://out/web")


def emr(tmp_path: Path, *arguments: str) -> Finished:
    shared = {"GRISTMILL_EMR_ACCOUNT": str(account(tmp_path))}
    return finish([BIN / "gristmill", "emr", *arguments], **NOWHERE, **shared)


def test_a_plan_is_the_exact_request_and_no_call(tmp_path: Path) -> None:
    done = emr(tmp_path, "plan", "submit", "--run", "r1", *JOB, "--format", "combined")
    assert done.code == 0, done.err
    (request,) = json.loads(done.out).values()
    (step,) = request["Steps"]
    arguments = step["HadoopJarStep"]["Args"]
    assert step["Name"] == "gristmill access-logs r1"
    entry = next(place for place, word in enumerate(arguments) if word.endswith("/entry.py"))
    (packed,) = arguments[entry + 1 :]
    assert decode(packed) == [
        *JOB,
        "--format",
        "combined",
        "--report",
        "s3://out/web/_gristmill/reports/r1.json",
    ]
    home = "s3://gristmill-111122223333/gristmill/packages/"
    assert arguments[entry].startswith(home)
    assert emr(
        tmp_path, "submit", "--dry-run", "--run", "r1", *JOB, "--format", "combined"
    ).out == (done.out)


def test_a_plan_hides_secrets(tmp_path: Path) -> None:
    spec = tmp_path / "mine.toml"
    spec.write_text(
        '[primary]\ninstance_types = ["m7g.xlarge"]\n'
        '[[bootstrap]]\nname = "x"\nscript = "s3://bbb/x.sh"\nargs = ["--password", "hunter2"]\n'
    )
    done = emr(tmp_path, "plan", "up", "--cluster", str(spec))
    assert done.code == 0, done.err
    assert json.loads(done.out)["RunJobFlow"]["Name"] == "gristmill mine"
    assert "hunter2" not in done.out
    assert "********" in done.out


def test_without_an_account_it_says_what_makes_one(tmp_path: Path) -> None:
    nothing = {"GRISTMILL_EMR_ACCOUNT": str(tmp_path / "none.toml")}
    done = finish([BIN / "gristmill", "emr", "submit", *JOB], **NOWHERE, **nothing)
    assert done.code == 2
    assert "home: missing" in done.err
    assert "make emr-deploy writes it" in done.err


def test_without_credentials_it_says_how_to_log_in(tmp_path: Path) -> None:
    shared = {"GRISTMILL_EMR_ACCOUNT": str(account(tmp_path))}
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = finish([BIN / "gristmill", "emr", "clusters"], **{**NOWHERE, **nobody}, **shared)
    assert done.code == 1
    assert "AWS_PROFILE" in done.err
    assert "Traceback" not in done.err


def test_without_boto3_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['boto3'] = None; from gristmill.cli import main; "
    done = finish([sys.executable, "-c", program + "sys.exit(main(['emr', 'status']))"])
    assert done.code == 2
    assert "pip install 'gristmill[emr]'" in done.err
    assert "Traceback" not in done.err
