"""Arguments reach a driver as they were given, whatever YARN makes of the words that it is given.

What YARN does is Hadoop's ContainerLaunch.expandEnvironment; it is spelled out here once more.
"""

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gristmill.emr import entry
from gristmill.runs.encoded import decode, encode, is_encoded


def through_yarn(words: list[str]) -> list[str]:
    """The words of a container's command, as its process has them."""
    changed = [re.sub(r"<LOG_DIR>|<CPS>", "/log", word) for word in words]
    changed = [word.replace("{{", "$").replace("}}", "") for word in changed]
    return [word for word in changed if word]


WORDS = st.lists(
    st.one_of(
        st.text(), st.sampled_from(["", "{{a}}", "}}", "$HOME", "`x`", "a\nb", "'", '"', "\\"])
    )
)


@given(WORDS)
@example([])
@example(["--corpus", "{{ds}}", "--label", "", "<LOG_DIR>", "\ud800", "--input", "s3://b/{a,b}/ü"])
def test_arguments_survive_yarn_and_every_shell(words: list[str]) -> None:
    word = encode(words)
    assert is_encoded(word)
    assert re.fullmatch(r"[\w.-]+", word, re.ASCII)
    (arrived,) = through_yarn([word])
    assert decode(arrived) == words


@pytest.mark.parametrize(
    "spoil",
    [
        lambda word: word[:-1],
        lambda word: word.replace("argv1.", "argv2."),
        lambda word: word + "$",
        lambda word: "argv1.e30",
        lambda word: "argv1.WzFd",
    ],
    ids=["cut", "another-version", "longer", "an-object", "numbers"],
)
def test_what_is_spoiled_is_refused(spoil: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match="it "):
        decode(spoil(encode(["word-count", "--input", "s3://b"])))


def test_the_entry_takes_encoded_and_plain_arguments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[list[str]] = []

    def run(job: object, argv: Sequence[str], console: object, program: str) -> int:
        seen.append(list(argv))
        return 0

    monkeypatch.setattr("gristmill.script.command.run_command", run)
    flags = ["--input", "s3://b/{{ds}}", "--corpus", ""]
    assert entry.main([encode(["word-count", *flags])]) == 0
    assert entry.main(["word-count", *flags]) == 0
    assert seen == [flags, flags]
    assert entry.main(["argv1.!"]) == 2
    assert "the arguments did not arrive as they were sent" in capsys.readouterr().err
