"""The commands on S3, as a user types them: the same figures as on disk, and rerun at any time."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gristmill.sample import write_samples
from gristmill.storage.remote import RemoteStorage
from simulator.s3 import S3Server
from tests.support.process import BIN, Finished, finish

Gristmill = Callable[..., Finished]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder, requests=2000, words=3000)
    return folder


@pytest.fixture(scope="module")
def bucket(server: S3Server, samples: Path) -> str:
    """A folder of the bucket, with the samples in it."""
    client = server.client()
    for path in samples.rglob("*"):
        if path.is_file():
            key = f"jobs/in/{path.relative_to(samples)}"
            client.put_object(Bucket=server.bucket, Key=key, Body=path.read_bytes())
    return f"{server.bucket}/jobs"


def gristmill(*arguments: str | Path) -> Finished:
    return finish([BIN / "gristmill", *arguments])


def figures(report: Path) -> tuple[object, ...]:
    """What a run counted, without where and when."""
    told = json.loads(report.read_text())
    datasets = [(found["name"], found["rows"], found["partitions"]) for found in told["datasets"]]
    return told["lines"], told["rejected"], told["rejects"], datasets


@pytest.mark.thorough
def test_the_jobs_run_from_s3_to_s3_with_the_figures_that_they_have_on_disk(
    bucket: str, samples: Path, tmp_path: Path
) -> None:
    out, local = f"s3://{bucket}/out", tmp_path / "out"
    for job, given in (("access-logs", "logs"), ("traffic-summary", None), ("word-count", "text")):
        found = []
        for source, output in ((f"s3a://{bucket}/in", out), (str(samples), str(local))):
            place = f"{source}/{given}" if given else output
            report = tmp_path / "report.json"
            flags = ("--input", place, "--output", output, "--report", str(report))
            done = gristmill("run", job, *flags)
            assert done.code == 0, done.err
            found.append(figures(report))
        assert found[0] == found[1]

    def looked(command: str, place: str) -> str:
        """What is shown, without ids, times and the sizes of compressed files."""
        told = gristmill(*command.split(), place)
        assert told.code == 0, told.err
        return re.sub(
            r"\d{8}T\d{6}Z-\w+|\d{4}-\S+Z|\d[\d.]* k?B|s3a?://\S+/in|file://\S+?samples\d",
            "",
            told.out,
        )

    for command in ("datasets list", "history", "verify", "rejects"):
        assert looked(command, out).split() == looked(command, str(local)).split()
    assert looked("head", f"{out}/traffic_hourly") == looked("head", f"{local}/traffic_hourly")


@pytest.mark.thorough
def test_a_rerun_on_s3_replaces_and_leaves_nothing_behind(
    bucket: str, server: S3Server, tmp_path: Path
) -> None:
    out = f"s3://{bucket}/again"
    for _ in range(2):
        done = gristmill("run", "word-count", "--input", f"s3://{bucket}/in/text", "--output", out)
        assert done.code == 0, done.err
        assert gristmill("verify", out).code == 0
    history = json.loads(gristmill("history", out, "--json").out)["publishes"]
    first, second = (entry["changes"][0] for entry in history)
    assert second["removed"] == [file["path"] for file in first["files"]]
    assert [file["rows"] for file in first["files"]] == [file["rows"] for file in second["files"]]
    root = RemoteStorage(out)
    found = root.filesystem.find(root.folder, detail=True)
    files = sorted(
        name.removeprefix(f"{root.folder}/")
        for name, info in found.items()
        if info["type"] == "file" and info["size"]
    )
    assert files == [
        "_gristmill/claims/word_counts/0000000002",
        "_gristmill/layout.json",
        "_gristmill/log/0000000001.json",
        "_gristmill/log/0000000002.json",
        f"word_counts/{second['files'][0]['path']}",
    ]
    assert not server.client().list_multipart_uploads(Bucket=server.bucket).get("Uploads")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        pytest.param(
            *(["--input", "s3://no-such-bucket/in"], "s3://no-such-bucket/in: no such bucket"),
            marks=pytest.mark.thorough,
        ),
        (["--input", "s3://gristmill/no/such/key"], "no such input: s3://gristmill/no/such/key"),
    ],
)
def test_what_is_not_in_s3_is_named(
    server: S3Server, tmp_path: Path, flags: list[str], says: str
) -> None:
    done = gristmill("run", "word-count", *flags, "--output", tmp_path / "out")
    assert done.code == 1
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "command",
    [
        "verify",
        *(
            pytest.param(one, marks=pytest.mark.thorough)
            for one in ("datasets list", "history", "recover", "rejects")
        ),
    ],
)
def test_looking_at_what_is_no_output_in_s3_says_so(server: S3Server, command: str) -> None:
    for place in ("s3://no-such-bucket/out", "s3://gristmill/nothing"):
        done = gristmill(*command.split(), place)
        assert done.code == 1
        assert "is not an output of Gristmill" in done.err


def test_without_credentials_a_look_says_what_is_missing(server: S3Server) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    done = finish([BIN / "gristmill", "history", "s3://gristmill/out"], **nobody)
    assert done.code == 1
    assert "s3://gristmill/out: Unable to locate credentials" in done.err
