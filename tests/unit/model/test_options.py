"""Options: the same values from flags, from JSON and from Python, and a clear no to all others."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill import Options, option
from gristmill.errors import UsageError
from gristmill.model.options import ArgumentParser, describe

PROPERTY = settings(max_examples=100, derandomize=True, database=None, deadline=None)


@dataclass(frozen=True)
class Made(Options):
    """Options such as a job might have: one of each type, and one that has no default."""

    name: str = option(help="what to call it")
    count: int = option(3, help="how many")
    share: float = option(0.5, help="how much of it")
    loud: bool = option(default=False, help="tell everybody")
    two_words: bool = option(default=True, help="the flag has a dash")


@dataclass(frozen=True)
class Bounded(Options):
    """Options that do not take every value of their type."""

    colour: str = option("red", choices=("red", "green"), help="of the paint")
    coats: int = option(2, minimum=1, help="of paint")
    litres: float = option(1.5, minimum=0.5, metavar="L", help="of paint")
    code: str = option("A1", pattern=r"[A-Z][0-9]+", metavar="CODE", help="of the paint")


TEXTS = st.one_of(
    st.text().filter(lambda text: text != "--"),
    st.sampled_from(
        [
            *("", " ", "-", "---", "-1", "-x", "--loud", "--no-loud", "--name=x", "a=b", "=", "@a"),
            *("two words", " padded ", "%s 100%", "$HOME", "'\"\\", "línea\nnueva", "語🜚"),
        ]
    ),
)
MADE = st.builds(
    Made,
    name=TEXTS,
    count=st.integers(),
    share=st.one_of(st.floats(allow_nan=False), st.integers(-9, 9)),
    loud=st.booleans(),
    two_words=st.booleans(),
)


@PROPERTY
@given(MADE)
def test_flags_give_back_the_options_that_they_were_rendered_from(made: Made) -> None:
    assert Made.parse(made.render()) == made


def test_two_dashes_are_a_text_like_any_other() -> None:
    made = Made(name="--")
    assert Made.parse(made.render()) == made


@PROPERTY
@given(MADE)
def test_json_gives_back_the_options_that_it_was_made_from(made: Made) -> None:
    assert Made.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_flags_are_named_after_fields() -> None:
    made = Made(name="a b", count=-4, share=0.25, loud=True, two_words=False)
    assert made.render() == ["--name=a b", "--count=-4", "--share=0.25", "--loud", "--no-two-words"]
    assert made.to_json() == {
        "name": "a b",
        "count": -4,
        "share": 0.25,
        "loud": True,
        "two_words": False,
    }


def test_what_is_not_given_has_its_default() -> None:
    expected = Made(name="x", count=3, share=0.5, loud=False, two_words=True)
    assert Made.parse(["--name", "x"]) == expected
    assert Made.from_json({"name": "x"}) == expected


@pytest.mark.parametrize(
    ("argv", "loud", "two_words"),
    [
        ([], False, True),
        (["--loud"], True, True),
        (["--no-loud"], False, True),
        (["--no-two-words", "--loud"], True, False),
        (["--two-words"], False, True),
    ],
)
def test_a_bool_is_a_pair_of_flags(argv: list[str], loud: bool, two_words: bool) -> None:
    made = Made.parse(["--name=x", *argv])
    assert (made.loud, made.two_words) == (loud, two_words)


def test_options_cannot_be_changed() -> None:
    made: Any = Made(name="x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.name = "y"


def test_flags_without_a_required_option_are_refused() -> None:
    with pytest.raises(UsageError, match="--name"):
        Made.parse(["--count=1"])


def test_json_without_a_required_option_is_refused_without_talk_of_python() -> None:
    with pytest.raises(UsageError) as refused:
        Made.from_json({"count": 1})
    assert "--name" in str(refused.value)
    assert "__init__" not in str(refused.value)


@pytest.mark.parametrize("word", ["--colour=red", "--nam=y", "stray", "-n", "--no-name"])
def test_unknown_flags_are_refused_by_name(word: str) -> None:
    with pytest.raises(UsageError, match=word.partition("=")[0]):
        Made.parse(["--name=x", word])


def test_unknown_names_in_json_are_refused_each_by_name() -> None:
    with pytest.raises(UsageError, match=r"colour.*shape"):
        Made.from_json({"name": "x", "shape": "round", "colour": "red"})


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--count", "many"),
        ("--count", "1.5"),
        ("--count", ""),
        ("--share", "half"),
        ("--share", "1,5"),
        ("--loud", "yes"),
    ],
)
def test_text_of_another_type_is_refused_with_its_flag(flag: str, text: str) -> None:
    with pytest.raises(UsageError, match=flag):
        Made.parse(["--name=x", f"{flag}={text}"])


@pytest.mark.parametrize(
    ("field", "flag", "value"),
    [
        ("name", "--name", 1),
        ("name", "--name", None),
        ("name", "--name", True),
        ("count", "--count", "1"),
        ("count", "--count", 1.0),
        ("count", "--count", True),
        ("share", "--share", "0.5"),
        ("share", "--share", False),
        ("loud", "--loud", "yes"),
        ("two_words", "--two-words", 1),
    ],
)
def test_values_of_another_type_are_refused_with_their_flag(
    field: str, flag: str, value: object
) -> None:
    values: dict[str, Any] = {"name": "x", field: value}
    with pytest.raises(UsageError, match=flag):
        Made.from_json(values)
    with pytest.raises(UsageError, match=flag):
        Made(**values)


@pytest.mark.parametrize(
    "value", [{"colour": "green"}, {"coats": 1}, {"litres": 0.5}, {"litres": 1}, {"code": "Z999"}]
)
def test_values_at_the_bounds_are_taken(value: dict[str, Any]) -> None:
    bounded = Bounded(**value)
    assert Bounded.parse(bounded.render()) == bounded


@pytest.mark.parametrize(
    ("field", "value", "fitting"),
    [
        ("colour", "blue", "red, green"),
        ("colour", "Red", "red, green"),
        ("coats", 0, "1 or more"),
        ("litres", 0.4, "0.5 or more"),
        ("litres", float("nan"), "0.5 or more"),
        ("litres", float("-inf"), "0.5 or more"),
        ("code", "a1", "A-Z"),
        ("code", "A1 ", "A-Z"),
        ("code", "xA1", "A-Z"),
        ("code", "A1\n", "A-Z"),
        ("code", "", "A-Z"),
    ],
)
def test_values_out_of_bounds_are_refused_with_the_flag_and_what_would_fit(
    field: str, value: Any, fitting: str
) -> None:
    makes: list[Any] = [
        lambda: Bounded(**{field: value}),
        lambda: Bounded.from_json({field: value}),
        lambda: Bounded.parse([f"--{field}={value}"]),
    ]
    for make in makes:
        with pytest.raises(UsageError) as refused:
            make()
        assert f"--{field}" in str(refused.value)
        assert fitting in str(refused.value)


def test_describe_gives_flag_default_and_help() -> None:
    assert describe(Made) == [
        ("--name STR", "required", "what to call it"),
        ("--count INT", "3", "how many"),
        ("--share FLOAT", "0.5", "how much of it"),
        ("--loud/--no-loud", "no", "tell everybody"),
        ("--two-words/--no-two-words", "yes", "the flag has a dash"),
    ]
    assert describe(Bounded) == [
        ("--colour red|green", "red", "of the paint"),
        ("--coats INT", "2", "of paint"),
        ("--litres L", "1.5", "of paint"),
        ("--code CODE", "A1", "of the paint"),
    ]


def test_help_shows_every_flag_with_its_default() -> None:
    parser = ArgumentParser(prog="made")
    Made.add_arguments(parser)
    shown = " ".join(parser.format_help().split())
    assert "what to call it" in shown
    assert "how many (default: 3)" in shown
    assert "tell everybody (default: no)" in shown
    assert "the flag has a dash (default: yes)" in shown


def test_help_shows_per_cent_signs_as_they_stand() -> None:
    @dataclass(frozen=True)
    class Discount(Options):
        off: str = option("50%", help="10% or more")

    parser = ArgumentParser(prog="made")
    Discount.add_arguments(parser)
    assert "10% or more (default: 50%)" in " ".join(parser.format_help().split())


def test_a_field_that_is_no_option_is_refused_when_it_is_used() -> None:
    @dataclass(frozen=True)
    class Bare(Options):
        size: int = 1

    @dataclass(frozen=True)
    class Listed(Options):
        sizes: list[int] = option((), help="of shoes")  # noqa: RUF009

    for wrong, field in ((Bare, "size"), (Listed, "sizes")):
        with pytest.raises(TypeError, match=f"^{field}: declare it with option"):
            wrong()


def test_the_parser_raises_instead_of_ending_the_process() -> None:
    parser = ArgumentParser(prog="mill grind")
    with pytest.raises(UsageError, match=r"(?s)--fine.*mill grind --help") as refused:
        parser.parse_args(["--fine"])
    assert refused.value.exit_code == 2


@dataclass(frozen=True)
class Many(Options):
    """Options of which one may be given several times."""

    tag: tuple[str, ...] = option((), pattern=r".*\S.*", metavar="KEY", help="a tag")


@pytest.mark.parametrize("tags", [(), ("a",), ("b, c", "--", "a", "a")])
def test_a_flag_may_be_given_several_times(tags: tuple[str, ...]) -> None:
    many = Many(tag=tags)
    assert many.render() == [f"--tag={tag}" for tag in tags]
    assert Many.parse(many.render()) == many
    assert Many.from_json(json.loads(json.dumps(many.to_json()))) == many


def test_each_value_of_a_flag_is_checked() -> None:
    with pytest.raises(UsageError, match="--tag takes a value that matches"):
        Many.parse(["--tag=a", "--tag= "])
    with pytest.raises(UsageError, match="--tag takes"):
        Many.from_json({"tag": "a"})
    assert describe(Many) == [("--tag KEY …", "none", "a tag")]


@dataclass(frozen=True)
class Reading(Options):
    """Options that name files."""

    rates: str = option("", metavar="FILE", help="of exchange")
    more: tuple[str, ...] = option((), metavar="FILE", help="of others")
    note: str = option("a.csv", help="no file, whatever it looks like")


def test_options_tell_which_files_they_name() -> None:
    assert Reading().files() == []
    found = Reading(rates="r.csv", more=("a b", "s3://b/c")).files()
    assert found == [("--rates", "r.csv"), ("--more", "a b"), ("--more", "s3://b/c")]


def test_the_files_that_options_name_may_be_others() -> None:
    given = Reading(rates="r.csv", more=("a b", "c"), note="n.csv")
    assert given.with_files(str.upper) == Reading("R.CSV", ("A B", "C"), "n.csv")
    assert Reading().with_files(str.upper) == Reading()
