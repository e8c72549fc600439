"""A job's options: fields of a frozen dataclass, written once, read as flags or as JSON."""

import argparse
import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from gristmill.errors import UsageError
from gristmill.nearest import near, nearest

_SPEC = "gristmill option"
_MANY = tuple[str, ...]
_TYPES: tuple[Any, ...] = (str, int, float, bool, _MANY)


@dataclass(frozen=True)
class _Spec:
    help: str
    choices: tuple[str, ...] | None
    minimum: float | None
    pattern: str | None
    metavar: str | None


def option(
    default: Any = dataclasses.MISSING,
    *,
    help: str,  # noqa: A002  the field's term, as in argparse
    choices: tuple[str, ...] | None = None,
    minimum: float | None = None,
    pattern: str | None = None,
    metavar: str | None = None,
) -> Any:
    """Declare a field of an `Options` class.

    Without a default the option is required. `choices`, `minimum` and `pattern` (a regular
    expression that the whole value must match) are checked wherever a value comes from.
    """
    spec = _Spec(help, choices, minimum, pattern, metavar)
    return dataclasses.field(default=default, metadata={_SPEC: spec})


def flag(name: str) -> str:
    """The flag of a field: `min_count` is `--min-count`."""
    return "--" + name.replace("_", "-")


@dataclass(frozen=True)
class Options:
    """Base of every job's options. Fields are `str`, `int`, `float`, `bool` or `tuple[str, ...]`.

    A tuple has a value for each time that its flag is given.

    Raises `UsageError` when a value does not fit, naming the flag and what would fit.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        """Add one flag a field to `parser`; a bool is a pair `--x/--no-x`."""
        group = parser.add_argument_group("options of this job")
        for field in dataclasses.fields(cls):
            spec = _spec(field)
            required = field.default is dataclasses.MISSING
            shared: dict[str, Any] = {
                "dest": field.name,
                "required": required,
                "help": _literal(
                    spec.help + ("" if required else f" (default: {_shown(field.default)})")
                ),
                "default": None if required else field.default,
            }
            if field.type is bool:
                group.add_argument(
                    flag(field.name), action=argparse.BooleanOptionalAction, **shared
                )
            elif field.type == _MANY:
                shared["default"] = None
                group.add_argument(
                    flag(field.name), action="append", metavar=spec.metavar or "TEXT", **shared
                )
            else:
                metavar = spec.metavar or ("|".join(spec.choices) if spec.choices else None)
                kind: Any = field.type
                group.add_argument(
                    flag(field.name), type=kind, metavar=metavar or kind.__name__.upper(), **shared
                )

    @classmethod
    def from_namespace(cls, namespace: argparse.Namespace) -> Self:
        """The options that a parser with this class's arguments has read."""
        given = {field.name: getattr(namespace, field.name) for field in _fields(cls)}
        return cls._of({name: value for name, value in given.items() if value is not None})

    @classmethod
    def _of(cls, values: Mapping[str, Any]) -> Self:
        many = {field.name for field in _fields(cls) if field.type == _MANY}
        return cls(
            **{
                name: tuple(value) if name in many and isinstance(value, list) else value
                for name, value in values.items()
            }
        )

    @classmethod
    def parse(cls, argv: Sequence[str]) -> Self:
        """The options in `argv`, which holds nothing else. `parse(x.render()) == x`."""
        parser = ArgumentParser(add_help=False, allow_abbrev=False)
        cls.add_arguments(parser)
        return cls.from_namespace(parser.parse_args(list(argv)))

    def render(self) -> list[str]:
        """The flags that give these options."""
        argv: list[str] = []
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool):
                argv.append(flag(field.name) if value else flag(f"no_{field.name}"))
            elif isinstance(value, tuple):
                argv += [f"{flag(field.name)}={one}" for one in value]
            else:
                argv.append(f"{flag(field.name)}={value}")
        return argv

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The options in a JSON object; an unknown name raises `UsageError`."""
        known = [field.name for field in _fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            told = "; ".join(f"{name}: {nearest(name, known)}" for name in unknown)
            raise UsageError(f"unknown option {told}")
        missing = [
            flag(field.name)
            for field in _fields(cls)
            if field.default is dataclasses.MISSING and field.name not in values
        ]
        if missing:
            raise UsageError(f"missing: {', '.join(missing)}")
        return cls._of(values)

    def files(self) -> list[tuple[str, str]]:
        """The files that these options name, each with its flag: those with the metavar `FILE`."""
        return [
            (flag(name), one)
            for name, value in self._of_files().items()
            for one in (value if isinstance(value, tuple) else (value,))
            if one
        ]

    def with_files(self, change: Callable[[str], str]) -> Self:
        """The same, but for the files that they name."""
        changed = {
            name: tuple(map(change, value)) if isinstance(value, tuple) else change(value)
            for name, value in self._of_files().items()
            if value
        }
        return dataclasses.replace(self, **changed)

    def _of_files(self) -> dict[str, Any]:
        named = [field.name for field in dataclasses.fields(self) if _spec(field).metavar == "FILE"]
        return {name: getattr(self, name) for name in named}

    def to_json(self) -> dict[str, Any]:
        """The options as a JSON object. `from_json(x.to_json()) == x`."""
        return dataclasses.asdict(self)


class ArgumentParser(argparse.ArgumentParser):
    """A parser that raises `UsageError` where argparse would end the process."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """The arguments. Raises `UsageError`, with the nearest of the flags there are."""
        found, rest = self.parse_known_args(args, namespace)
        self.refuse(rest)
        return found

    def refuse(self, rest: Sequence[str]) -> None:
        """Raise `UsageError` for words that mean nothing here, if there are any."""
        known = list(_flags(self))
        wrong = [word.partition("=")[0] for word in rest if word.startswith("--")]
        if wrong:
            self.error("; ".join(f"no flag {flag}: {nearest(flag, known)}" for flag in wrong))
        if rest:
            self.error(f"unexpected: {' '.join(rest)}")

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        # Before Python 3.13 argparse drops the value of `--x=--`.
        if arg_strings == ["--"] and action.option_strings and action.nargs is None:
            return self._get_value(action, "--")
        return super()._get_values(action, arg_strings)

    def error(self, message: str) -> Any:
        """Raise `message`, with where to read on."""
        raise UsageError(f"{message}\nTry: {self.prog} --help")


def _flags(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The flags of a parser, and of all commands below it, without those that have one letter."""
    for action in parser._actions:
        yield from (flag for flag in action.option_strings if flag.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from _flags(below)


_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """A span of time: a whole number of seconds, minutes, hours or days, as `30s` or `90d`.

    Raises `argparse.ArgumentTypeError`, so that a parser may use it as a type.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a span of time such as 30s, 10m or 90d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def days(text: str) -> timedelta:
    """A span of whole days or weeks, as `90d` or `13w`.

    Raises `argparse.ArgumentTypeError`, so that a parser may use it as a type.
    """
    found = re.fullmatch(r"(\d{1,5})([dw])", text, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of whole days or weeks such as 90d or 13w"
        )
    return timedelta(days=int(found[1]) * (7 if found[2] == "w" else 1))


def describe(cls: type[Options]) -> list[tuple[str, str, str]]:
    """Rows of (flag, default, help) for every option of `cls`; for showing."""
    rows = []
    for field in _fields(cls):
        spec = _spec(field)
        name = flag(field.name)
        if field.type is bool:
            name = f"{name}/{flag('no_' + field.name)}"
        elif field.type == _MANY:
            name = f"{name} {spec.metavar or 'TEXT'} …"
        elif spec.choices:
            name = f"{name} {'|'.join(spec.choices)}"
        else:
            name = f"{name} {spec.metavar or getattr(field.type, '__name__', '').upper()}"
        default = "required" if field.default is dataclasses.MISSING else _shown(field.default)
        rows.append((name, default, spec.help))
    return rows


def _fields(cls: type[Options]) -> tuple["dataclasses.Field[Any]", ...]:
    return dataclasses.fields(cls)


def _spec(field: "dataclasses.Field[Any]") -> _Spec:
    spec = field.metadata.get(_SPEC)
    if not isinstance(spec, _Spec) or field.type not in _TYPES:
        raise TypeError(
            f"{field.name}: declare it with option(), as str, int, float, bool or tuple[str, ...]"
        )
    return spec


def _literal(text: str) -> str:
    return text.replace("%", "%%")  # argparse formats help with %


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _check(field: "dataclasses.Field[Any]", value: Any) -> None:
    spec = _spec(field)
    name = flag(field.name)
    if field.type == _MANY and isinstance(value, tuple):
        for one in value:
            _check_one(spec, str, name, one)
    else:
        _check_one(spec, field.type, name, value)


def _check_one(spec: _Spec, wanted: Any, name: str, value: Any) -> None:
    kind = type(value)
    fits = kind is wanted or (wanted is float and kind is int)
    if not fits:
        raise UsageError(f"{name} takes {getattr(wanted, '__name__', wanted)}, not {value!r}")
    if spec.choices is not None and value not in spec.choices:
        told = f"{name} takes one of {', '.join(spec.choices)}, not {value!r}"
        raise UsageError(told + near(str(value), spec.choices))
    if spec.minimum is not None and not value >= spec.minimum:
        raise UsageError(f"{name} takes {spec.minimum:g} or more, not {value!r}")
    if spec.pattern is not None and not re.fullmatch(spec.pattern, str(value)):
        raise UsageError(f"{name} takes a value that matches {spec.pattern}, not {value!r}")
