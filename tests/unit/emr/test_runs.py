"""`gristmill emr submit|attach|status` with an AWS that does as it is told."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from gristmill.cli import main
from gristmill.cli.emr import watching
from gristmill.emr.aws import Aws
from gristmill.emr.cost import Cost
from gristmill.emr.files import PRICES
from gristmill.emr.outcome import RunOutcome
from gristmill.emr.runs import Record, Runs
from gristmill.emr.targets import deployments
from gristmill.emr.watch import StillRunningError
from gristmill.errors import GristmillError
from gristmill.runs import Handle, State, Status, Submission
from tests.support.emr_specs import account
from tests.unit.emr.test_watch import Scripted

RECORD = Record(
    Submission("r1", "word-count", ()),
    "dev",
    "arm64",
    "s3://b/logs",
    ("s3://b/r",),
    "2026-11-21T00:00:00+00:00",
    "me",
    Handle("step", "j-1", "s-1"),
)


class Watched(Scripted):
    """A run that can be cancelled."""

    cancelled = 0

    def cancel(self, handle: Handle) -> None:
        self.cancelled += 1


def see(
    monkeypatch: pytest.MonkeyPatch,
    runner: Watched,
    answers: Any = None,
    *,
    cancel: bool = False,
    at_deadline: bool = False,
    deadline: timedelta = timedelta(hours=1),
    budget: Decimal | None = None,
) -> int:
    monkeypatch.setattr(watching, "runner_of", lambda *_: (runner, RECORD.handle))
    monkeypatch.setattr(watching, "run_outcome", answers)
    arguments = argparse.Namespace(
        cluster="dev",
        account=Path("a.toml"),
        prices=PRICES,
        deadline=deadline,
        cancel_on_interrupt=cancel,
        no_logs=False,
        no_retry=False,
        json=False,
        cancel=at_deadline,
        budget=budget,
    )
    context: Any = argparse.Namespace(aws=None)
    return watching.see_through(arguments, context, RECORD)


def interrupted(*_arguments: object, **_more: object) -> RunOutcome:
    raise KeyboardInterrupt


@pytest.mark.parametrize("cancel", [False, True])
def test_ctrl_c_once_a_run_has_ended_does_not_say_that_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cancel: bool
) -> None:
    runner = Watched(Status(State.FAILED, "FAILED"))
    assert see(monkeypatch, runner, interrupted, cancel=cancel) == 130
    said = capsys.readouterr().err
    assert "run r1 has ended (failed)" in said
    assert "gristmill emr attach" in said
    assert "goes on" not in said
    assert runner.cancelled == 0


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_the_question_is_not_put_into_what_is_redirected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Interrupted(Watched):
        def poll(self, handles: Sequence[Handle]) -> Mapping[Handle, Status]:
            raise KeyboardInterrupt

    runner = Interrupted()
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert see(monkeypatch, runner) == 130
    said = capsys.readouterr()
    assert said.out == ""
    assert "Cancel it? [y/N]" in said.err
    assert runner.cancelled == 1


def test_where_it_was_lost_sight_of_it_says_how_to_take_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gristmill.emr.watch._FAILURES", 1)
    with pytest.raises(GristmillError, match="emr attach") as caught:
        see(monkeypatch, Watched(GristmillError("expired")))
    assert caught.value.exit_code == 5


Emr = Any


@pytest.fixture
def emr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Emr:
    monkeypatch.setenv("GRISTMILL_EMR_ACCOUNT", str(account(tmp_path)))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["emr", *arguments])
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("count", ["-1", "0"])
def test_a_count_that_is_none_is_refused(emr: Emr, count: str) -> None:
    code, said = emr("status", "-n", count)
    assert (code, "-n takes 1 or more" in said) == (2, True)


@pytest.mark.parametrize("flag", ["--cluster=nightly", "--cluster", "--transient", "--detach"])
def test_a_flag_of_ours_behind_the_job_is_told_where_it_goes(emr: Emr, flag: str) -> None:
    code, said = emr("submit", "word-count", flag, "--input", "s3://b/i", "--output", "s3://b/o")
    assert code == 2
    assert f"{flag.partition('=')[0]} goes before the job" in said


def test_at_a_deadline_a_run_is_cancelled_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    going = Watched(*[Status(State.RUNNING, "RUNNING")] * 3)
    past = timedelta(seconds=-1)
    with pytest.raises(StillRunningError, match="attach"):
        see(monkeypatch, going, deadline=past)
    assert going.cancelled == 0
    going = Watched(*[Status(State.RUNNING, "RUNNING")] * 3)
    assert see(monkeypatch, going, deadline=past, at_deadline=True) == 5
    assert going.cancelled == 1
    assert "asked that run r1 end" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--detach", "--budget", "2"), "--budget is kept by whoever watches"),
        (("--detach", "--cancel"), "--cancel is kept by whoever watches"),
        (("--budget", "0"), "'0' is not an amount"),
        (("--budget", "nan"), "'nan' is not an amount"),
    ],
)
def test_what_nobody_would_keep_is_refused(
    flags: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GRISTMILL_EMR_ACCOUNT", str(account(tmp_path)))
    words = ("word-count", "--input", "s3://a/", "--output", "s3://b", "--corpus", "c")
    assert main(["emr", "submit", *flags, *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("amount", "ends"), [("2.51", True), ("2.50", False)])
def test_a_run_that_costs_more_than_it_may_is_cancelled(
    monkeypatch: pytest.MonkeyPatch, amount: str, ends: bool
) -> None:
    spent = Cost(Decimal(amount), "USD", Decimal(1), "instance", Decimal(0), "list prices")
    monkeypatch.setattr(watching, "cost", lambda *_: spent)
    done = Status(State.SUCCEEDED, "COMPLETED")
    runner = Watched(Status(State.RUNNING, "RUNNING"), done)
    outcome = RunOutcome(done, "s3://b/logs/")
    if ends:
        with pytest.raises(GristmillError, match=r"r1 has cost about 2.51 USD .* may cost 2.50"):
            see(monkeypatch, runner, lambda *_, **__: outcome, budget=Decimal("2.50"))
    else:
        see(monkeypatch, runner, lambda *_, **__: outcome, budget=Decimal("2.50"))
    assert runner.cancelled == ends


def test_the_newest_runs_are_those_that_were_written_last_whatever_they_are_called() -> None:
    class Bucket:
        def written(self, uri: str) -> Iterator[tuple[str, datetime]]:
            for day, name in enumerate(["zzz", "20261101T000000Z-1", "aaa", "20261102T000000Z-1"]):
                yield f"{uri}/{name}.json", datetime(2026, 11, 1 + day, tzinfo=UTC)

        def read(self, uri: str) -> bytes:
            run = uri.rpartition("/")[2].removesuffix(".json")
            return Record(
                Submission(run, "j", ()), "dev", "arm64", "l", ("r",), "2026", "me"
            ).to_bytes()

    aws: Any = Bucket()
    assert [record.run for record in Runs(aws, "s3://b/h").newest(2)] == [
        "20261102T000000Z-1",
        "aaa",
    ]


def test_when_a_cluster_was_made_is_told_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    east = timezone(timedelta(hours=9))
    made = datetime(2026, 11, 22, 9, 30, tzinfo=east)
    cluster = {
        "Id": "j-1",
        "Name": "gristmill dev",
        "Status": {"State": "WAITING", "Timeline": {"CreationDateTime": made}},
    }
    application = {
        "id": "00f1",
        "name": "gristmill-less",
        "state": "STARTED",
        "createdAt": made,
    }

    class Pages:
        def __init__(self, page: dict[str, Any]) -> None:
            self.page = page

        def get_paginator(self, _name: str) -> "Pages":
            return self

        def paginate(self, **_which: Any) -> list[dict[str, Any]]:
            return [self.page]

    aws: Any = argparse.Namespace(
        emr=Pages({"Clusters": [cluster]}), serverless=Pages({"applications": [application]})
    )
    assert [f"{one.since:%H:%M}" for one in deployments.deployments(aws)] == ["00:30", "00:30"]


def test_the_region_is_that_of_the_usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert Aws(None).emr.meta.region_name == "eu-north-1"
    monkeypatch.delenv("AWS_REGION")
    assert Aws(None).emr.meta.region_name == "eu-west-1"
    assert Aws("us-west-2").emr.meta.region_name == "us-west-2"


def test_a_record_of_before_is_read() -> None:
    told = json.loads(RECORD.to_bytes())
    told["handle"] = {"runner": "step", "place": "j-1", "id": "s-1"}
    told["report"] = told.pop("reports")[0]
    for name in ("shipped", "earlier"):
        del told[name]
    for name in ("attempt", "since"):
        del told["submission"][name]
    assert Record.from_bytes(json.dumps(told).encode()) == RECORD
