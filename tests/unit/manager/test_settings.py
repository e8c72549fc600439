"""`manager.toml`: what it may say, and that all that is wrong with it is named at once."""

from pathlib import Path

import pytest

from gristmill.errors import UsageError
from gristmill.manager.settings import Settings
from gristmill.manager.settings.file import read_settings
from gristmill.manager.values import memory

WHOLE = """
[places.big]
kind = "cluster"
spec = "nightly"
max_runs = 4

[queues.reports]
places = ["local", "big"]
max_runs = 10
max_waiting = 100
shares = { sales = 2, ops = 1 }
share_half_life = "6h"

[jobs.load]
job = "access-logs"
args = ["--input", "in", "--output", "out"]
queue = "reports"
share = "ops"
attempts = 5
timeout = "2h"
memory = "4GB"
late_after = "3h"
retry = [{ cause = "SAID", reason = "*throttled*", action = "retry" }]
then = [{ job = "traffic-summary", args = ["--input", "{output}", "--output", "{output}"] }]

[schedules.nightly]
cron = "30 2 * * *"
zone = "Europe/Berlin"
job = "load"

[arrivals.logs]
directory = "in"
pattern = "*.gz"
expect = 120
by = "15m"
job = "load"

[inboxes.main]
sqs = "https://sqs.eu-central-1.amazonaws.com/111122223333/main"

[notices.ops]
url = "json://localhost/"
on = ["set_aside", "recovered"]
quiet = { start = "22:00", end = "07:00", zone = "Europe/Berlin" }

[alarms.many]
rule = "failures > 3 in 1h"
"""


def read(folder: Path, text: str) -> Settings:
    (folder / "manager.toml").write_text(text)
    return read_settings(folder / "manager.toml")


def test_all_that_may_be_said(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE)
    job = settings.jobs["load"]
    assert (job.timeout, job.memory, job.late_after) == (7200.0, 4 * 10**9, 10_800.0)
    assert job.folder == str(tmp_path)
    assert settings.queues["reports"].shares == {"sales": 2.0, "ops": 1.0}
    assert settings.alarms["many"].parts == ("failures", ">", 3.0, "1h")


def test_all_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(
            tmp_path,
            "[queues.a]\nmax_run = 1\nmax_cores = 0\n"
            "[schedules.b]\ncron = '61 * * * *'\njob = 'j'\n",
        )
    assert "3 problems" in str(error.value)
    assert "queues.a.max_run: no such field; did you mean max_runs" in str(error.value)
    assert "queues.a.max_cores" in str(error.value)
    assert "schedules.b.cron: must be five fields as cron has them" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[places.a]\nkind = 'cluster'", "needs a spec"),
        ("[places.a]\nspec = 'dev'", "takes no spec"),
        ("[queues.a]\nplaces = ['b']", "no place 'b'"),
        ("[queues.a]\nplaces = []", "places"),
        ("[queues.a]\nmax_runs = 0", "max_runs"),
        ("[jobs.a]\njob = 'j'\nqueue = 'b'", "no queue 'b'"),
        ("[jobs.a]\njob = 'j'\non = 'nowhere'", "no place 'nowhere'"),
        ("[jobs.a]\njob = 'j'\nattempts = 11", "attempts"),
        ("[jobs.a]\njob = 'j'\ntimeout = '2 hours'", "a span of time"),
        ("[jobs.a]\njob = 'j'\nthen = [{ job = 'a' }]", "goes round for ever: a → a"),
        (
            "[jobs.a]\njob = 'j'\nthen = [{ job = 'b' }]\n"
            "[jobs.b]\njob = 'k'\nthen = [{ job = 'a' }]",
            "goes round for ever: a → b → a",
        ),
        ("[schedules.a]\ncron = '@daily'\njob = 'j'\nqueue = 'b'", "no queue 'b'"),
        ("[schedules.a]\ncron = '@daily'\njob = 'j'\noverlap = 'run'", "overlap"),
        ("[arrivals.a]\njob = 'j'", "needs either directory or s3"),
        ("[arrivals.a]\njob = 'j'\ndirectory = 'in'\nby = '5m'", "needs expect"),
        ("[notices.a]\non = ['late']", "needs one of url"),
        ("[notices.a]\nses = 'me@example.org'", "needs a sender"),
        (
            "[notices.a]\nurl = 'json://h'\nquiet = { start = '25:00', end = '07:00' }",
            "time of day",
        ),
        ("[alarms.a]\nrule = 'failures are many'", "such as 'failures > 3 in 1h'"),
        ("[alarm.a]\nrule = 'late > 3'", "did you mean alarms?"),
        ("places = 3", "places"),
        ("[places", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, text)
    assert said in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1B", 1),
        ("500MB", 5 * 10**8),
        ("4GB", 4 * 10**9),
        ("1.5 GB", 1_500_000_000),
        ("2GiB", 2**31),
    ],
)
def test_sizes_are_bytes(text: str, expected: int) -> None:
    assert memory(text) == expected


def test_places_go_by_their_names() -> None:
    settings = Settings()
    local, transient = settings.place("local"), settings.place("transient:nightly")
    assert local is not None
    assert local.kind == "local"
    assert transient is not None
    assert (transient.kind, transient.spec) == ("transient", "nightly")
    assert settings.place("nowhere") is None
    assert settings.place("transient:") is None
