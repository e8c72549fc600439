"""What commands show: JSON with documented fields, and tables that fit the terminal."""

import dataclasses
import json
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from gristmill.cli import main, show
from gristmill.cli.doctor import Health
from gristmill.cli.emr.runs import RunList
from gristmill.cli.emr.targets import DeploymentList
from gristmill.cli.jobs import JobHelp, JobList
from gristmill.cli.look import RejectList, Rows
from gristmill.cli.output import DatasetList, History, Recovery, Verification
from gristmill.cli.parser import parser, paths
from gristmill.cli.projects import Environment, FileList
from gristmill.cli.retention import Expiry
from gristmill.cli.show import Block, Table, blocks, document
from gristmill.cli.warm import WarmEnd, WarmStatus
from gristmill.errors import GristmillError
from gristmill.model.schema import DatasetSchema
from gristmill.publish.manifest import Origin
from gristmill.publish.publication import Publication
from gristmill.storage.local import LocalStorage

Out = pytest.CaptureFixture[str]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output with one dataset, without a row."""
    schema = DatasetSchema("words", (("word", "string"),), ("word",), "partition")
    origin = Origin("r", "word-count", {}, ("in",), "", "me")
    publication = Publication(LocalStorage(str(tmp_path / "out")), origin, [schema])
    publication.claim(timedelta(), pytest.fail)
    publication.stage(schema, ())
    publication.commit(0, 0)
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["jobs"], JobList),
        (["jobs", "list"], JobList),
        (["jobs", "show", "word-count"], JobHelp),
        (["datasets", "list", "OUT"], DatasetList),
        (["datasets", "expire", "OUT", "words", "--older-than=1d"], None),
        (["history", "OUT"], History),
        (["verify", "OUT"], Verification),
        (["recover", "OUT"], Recovery),
        (["rejects", "OUT"], RejectList),
        (["sample", "NEW", "--requests=9", "--words=9"], FileList),
        (["env"], Environment),
        (["doctor"], Health),
        (["warm", "status"], WarmStatus),
        (["warm", "stop"], WarmEnd),
    ],
)
def test_json_is_one_document_with_the_fields_of_what_is_shown(
    words: list[str],
    kind: type | None,
    out: Path,
    tmp_path: Path,
    capsys: Out,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    named = {"OUT": str(out), "NEW": str(tmp_path / "new")}
    code = main([*(named.get(word, word) for word in words), "--json"])
    told, err = capsys.readouterr()
    if kind is None:  # its partitions have no date
        assert (code, told) == (1, "")
        return
    assert (code, err) == (0, "")
    fields = [field.name for field in dataclasses.fields(kind)]
    assert list(json.loads(told)) == fields


KINDS = (
    *(JobList, JobHelp, DatasetList, History, Verification, Recovery, RejectList, Rows),
    *(FileList, Environment, Health, Expiry, RunList, DeploymentList, WarmStatus, WarmEnd),
)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_value_is_described_and_has_a_text(kind: type) -> None:
    assert kind.__doc__
    assert not kind.__doc__.startswith(f"{kind.__name__}(")
    assert blocks.dispatch(kind) is not blocks.dispatch(object)


def test_every_command_that_shows_something_gives_json() -> None:
    silent = {"run", "completion", "help", "plan up", "plan deploy", "plan submit"}
    for path, one in paths(parser()):
        name = path.removeprefix("gristmill ").removeprefix("emr ")
        flags = {flag for action in one._actions for flag in action.option_strings}
        if one.get_default("handler") and name not in silent:
            assert {"--json", "-q", "-v", "--log-format"} <= flags, path


@dataclasses.dataclass(frozen=True)
class _Wide:
    """Cells that are wider than a terminal."""

    words: str


@blocks.register
def _(found: _Wide) -> list[Block]:
    cells = ("a-name", found.words, "12,345")
    return [Table(("name", "what it is about", "rows"), [cells]), f"and {found.words}"]


@pytest.mark.parametrize("width", [80, 140])
def test_a_table_fits_the_terminal_and_nothing_of_it_is_lost(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    words = " ".join(f"word{number}" for number in range(40))
    show.show(_Wide(words))
    told = capsys.readouterr().out
    longest = max(map(len, re.sub(r"\x1b\[[\d;]*m", "", told).splitlines()))
    assert width - 20 < longest <= width
    assert re.findall(r"word\d+", told) == 2 * words.split()


def test_elsewhere_a_table_is_as_wide_as_it_is(capsys: Out) -> None:
    show.show(_Wide("x" * 300))
    assert max(map(len, capsys.readouterr().out.splitlines())) > 300


@pytest.mark.parametrize("is_plain", [True, False])
def test_colour_is_for_terminals_that_want_it(
    is_plain: bool, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    if is_plain:
        monkeypatch.setenv("NO_COLOR", "1")
    for text in ("[bold]x[/bold]", "failed"):
        show.show(_Wide(text))
    told = capsys.readouterr().out
    assert "[bold]x[/bold]" in told
    assert ("\x1b[31mfailed" in told) is not is_plain


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (date(2026, 1, 5), "2026-01-05"),
        (Path("/a"), "/a"),
        ({"a": (1, None, True)}, {"a": [1, None, True]}),
        (b"x", "b'x'"),
    ],
)
def test_values_without_a_form_in_json_are_texts(value: object, json_value: object) -> None:
    assert document(value) == json_value


# What was mistyped

FILES = ("--input", __file__, "--output", "new")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jbos"], "no command 'jbos'; did you mean jobs?"),
        (["datasets", "lsit", "out"], "no command 'lsit'; did you mean list?"),
        (["emr", "submt"], "no command 'submt'; did you mean submit?"),
        (["history", "out", "--jsno"], "no flag --jsno: did you mean --json?"),
        (["history", "out", "words", "more"], "unexpected: more"),
        (["run", "word-cuont"], "did you mean word-count?"),
        (["run", "word-count", "--corpsu", "x", *FILES], "--corpsu: did you mean --corpus"),
        (["run", "access-logs", "--format=comon", *FILES], "did you mean common or combined?"),
        (["head", "OUT/wrods"], "did you mean words?"),
        (["history", "OUT", "wrods"], "did you mean words?"),
        (["emr", "plan", "up", "--cluster", "serverles"], "did you mean serverless?"),
    ],
)
def test_the_nearest_name_is_told(words: list[str], told: str, out: Path, capsys: Out) -> None:
    (out / "words").mkdir()
    assert main([word.replace("OUT", str(out)) for word in words]) in (1, 2)
    assert told in capsys.readouterr().err


# Help, completion, defaults


def test_help_lists_topics_and_explains_each(capsys: Out) -> None:
    assert main(["help"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "exit-codes" in names
    for name in names:
        assert main(["help", name]) == 0
        assert len(capsys.readouterr().out) > 100
    assert main(["help", "exitcodes"]) == 2
    assert "no topic 'exitcodes'; did you mean exit-codes?" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_every_command(shell: str, capsys: Out) -> None:
    assert main(["completion", shell]) == 0
    told = capsys.readouterr().out
    for word in ("datasets", "expire", "older-than", "emr", "submit", "doctor"):
        assert word in told


Write = Callable[[str], None]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes the `pyproject.toml` of the folder that commands run in."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> None:
        (tmp_path / "pyproject.toml").write_text(text)

    return write


RUN = ["run", "word-count", "--input", "none.txt"]


def test_a_flag_that_is_not_given_is_the_environment_s_or_the_project_s(
    project: Write, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    assert main(RUN) == 2
    assert "required: --output" in capsys.readouterr().err
    project('[tool.gristmill.defaults]\noutput = "made"\nmax-reject-rate = 7\n')
    assert main(RUN) == 2
    assert "--max-reject-rate takes 0 to 1, not 7" in capsys.readouterr().err
    assert main([*RUN, "--max-reject-rate=0.5"]) == 1
    assert "no such input" in capsys.readouterr().err
    monkeypatch.setenv("GRISTMILL_MAX_REJECT_RATE", "8")
    assert main(RUN) == 2
    assert "not 8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[tool.gristmill.defaults]\nouput = "x"\n', "ouput, which has none: did you mean output?"),
        ("[tool.gristmill.defaults]\noutput = [1]\n", "output, which is no text or number"),
        ('[tool.gristmill]\ndefaults = "x"\n', "is a table"),
        ("[tool.gristmill]\ndefault = 1\n", "did you mean defaults?"),
    ],
)
def test_defaults_that_are_wrong_are_named(
    project: Write, text: str, told: str, capsys: Out
) -> None:
    project(text)
    assert main(["jobs"]) == 2
    assert told in capsys.readouterr().err


def test_a_default_that_is_no_choice_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    monkeypatch.setenv("GRISTMILL_LOG_FORMAT", "xml")
    assert main(["jobs"]) == 2
    assert "the default of --log-format is 'xml', not one of text, json" in capsys.readouterr().err


def test_errors_are_json_where_that_is_asked_for(capsys: Out) -> None:
    assert main(["history", "/nowhere", "--log-format", "json"]) == 1
    told = json.loads(capsys.readouterr().err)
    assert (told["level"], told["message"][:8]) == ("error", "/nowhere")
    assert set(told) == {"time", "level", "message"}


# What a machine lacks


def test_doctor_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: Out) -> None:
    assert main(["doctor"]) == 0
    capsys.readouterr()

    def nothing() -> None:
        raise GristmillError("Spark needs Java 17 to 23: install one")

    monkeypatch.setattr("gristmill.spark.java.find_java", nothing)
    monkeypatch.setattr("gristmill.cli.doctor._LEAST_DISK", 1 << 60)
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert re.search(r"^Java +failed +none that does$", told, re.MULTILINE)
    assert "Java: Spark needs Java 17 to 23: install one" in told
    assert "make room, or set TMPDIR" in told


def test_doctor_reaches_for_places_in_s3(capsys: Out) -> None:
    assert main(["doctor", "gopher://bucket"]) == 1
    assert "only local paths, s3:// and s3a://" in capsys.readouterr().out


def shown(table: Table, width: int, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a terminal of a width shows."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    blocks.register(Shown, lambda _value: [table])
    show.show(Shown())
    return re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out).splitlines()


class Shown:
    """Something to show."""


RUN_ID = "20261130T011024Z-c9da4865"


def test_what_is_to_be_copied_is_not_broken(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "no such input: /home/ann/mill/nothing-here/at-all"
    row = (RUN_ID, "word-count", "failed", "default", "0.8 s", reason)
    table = Table(("run", "job", "state", "queue", "took", "reason"), [row])
    lines = shown(table, 80, capsys, monkeypatch)
    assert lines[1].startswith(f"{RUN_ID}  word-count")
    assert max(map(len, lines)) <= 80
    narrow = shown(table, 40, capsys, monkeypatch)
    assert max(map(len, narrow)) <= 40
    words = "".join("".join(line.split()) for line in narrow)
    assert all(letter in words for letter in set(RUN_ID))


def test_numbers_stand_to_the_right_and_ids_to_the_left(
    capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(RUN_ID, "1,234", "10 s", "5 %"), ("2026", "7", "107.8 kB", "100 %")]
    lines = shown(Table(("run", "rows", "size", "share"), rows), 80, capsys, monkeypatch)
    assert lines[2].startswith("2026 ")
    assert lines[2].split() == ["2026", "7", "107.8", "kB", "100", "%"]
    assert lines[1].index("10 s") + len("10 s") == lines[2].index("107.8 kB") + len("107.8 kB")
