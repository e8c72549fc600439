"""Reading one object of a definition: each field by its type, and what is wrong noted."""

from collections.abc import Iterator, Mapping, Sequence

from gristmill.nearest import near
from gristmill.workflow.definition.source import Problem, Source
from gristmill.workflow.definition.states import Language, Template
from gristmill.workflow.values import Json, is_number, kind_of


def is_expression(value: Json) -> bool:
    """Whether a value is an expression of JSONata: `{% … %}`, and nothing around it."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


class Cursor:
    """An object of a definition, and where it stands. Fields that are not there, or wrong, are
    None, an empty text or nothing."""

    def __init__(self, source: Source, value: Mapping[str, Json], path: str) -> None:
        self.source = source
        self.value = value
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self.value

    def wrong(self, text: str, name: str = "", *, is_warning: bool = False) -> None:
        """Note what is wrong with a field, or with the whole."""
        path = f"{self.path}/{name}" if name else self.path
        line = self.source.line(path)
        self.source.problems.append(Problem(path or "/", line, text, is_warning))

    def allow(self, known: frozenset[str] | set[str], what: str) -> None:
        """Refuse all other fields, with the nearest that there is."""
        for name in self.value:
            if name not in known:
                self.wrong(f"{what} has no field {name!r}{near(name, known)}", name)

    def need(self, *names: str) -> None:
        """Refuse where one of these is missing."""
        for name in names:
            if name not in self.value:
                self.wrong(f"the field {name} is required")

    def either(self, *names: str) -> None:
        """Refuse two of what excludes each other."""
        given = [name for name in names if name in self.value]
        if len(given) > 1:
            self.wrong(f"{' and '.join(given)} exclude each other", given[1])

    def _typed(self, name: str, is_right: bool, wanted: str) -> bool:
        if name in self.value and not is_right:
            self.wrong(f"{name} is {wanted}, not {_a(self.value[name])}", name)
        return name in self.value and is_right

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self.value.get(name)
        return str(value) if self._typed(name, isinstance(value, str), "a text") else default

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.value.get(name)
        return bool(value) if self._typed(name, isinstance(value, bool), "true or false") else False

    def path_or_null(self, name: str, default: str | None = "$") -> str | None:
        """A path, or null where that is written."""
        value = self.value.get(name, default)
        if value is None or isinstance(value, str):
            return value
        self._typed(name, False, "a path or null")
        return default

    def number(
        self,
        name: str,
        language: Language,
        *,
        least: float = 0,
        most: float = 10**9,
        whole: bool = True,
    ) -> int | float | str | None:
        """A number; in JSONata also an expression."""
        value = self.value.get(name)
        if name not in self.value:
            return None
        if language == "JSONata" and is_expression(value):
            return str(value)
        if (
            not isinstance(value, int | float)
            or not is_number(value)
            or (whole and value != int(value))
        ):
            self.wrong(f"{name} is a {'whole ' * whole}number, not {_a(value)}", name)
            return None
        if not least <= value <= most:
            self.wrong(f"{name} is {least:,g} to {most:,g}, not {value:,g}", name)
            return None
        return int(value) if whole else value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, with one at least."""
        value = self.value.get(name)
        right = isinstance(value, list) and all(isinstance(one, str) for one in value)
        if not self._typed(name, right, "a list of texts"):
            return ()
        if not value:
            self.wrong(f"{name} has nothing in it", name)
        return tuple(value or ())

    def template(self, name: str) -> Template | None:
        """A value with expressions in it, whatever its type."""
        return Template(name, self.value[name]) if name in self.value else None

    def assign(self) -> Template | None:
        """The variables that are set."""
        value = self.value.get("Assign")
        if not self._typed("Assign", isinstance(value, dict), "an object"):
            return None
        for name in value or ():
            if name.removesuffix(".$") == "states":
                self.wrong("the name states is taken", "Assign")
        return Template("Assign", value)

    def mapping(self, name: str) -> "Cursor | None":
        """An object in it."""
        value = self.value.get(name)
        if not self._typed(name, isinstance(value, dict), "an object"):
            return None
        return Cursor(self.source, value or {}, f"{self.path}/{name}")

    def mappings(self, name: str) -> Iterator["Cursor"]:
        """The objects of a list in it."""
        value = self.value.get(name)
        if not self._typed(name, isinstance(value, list), "a list"):
            return
        for index, one in enumerate(value or ()):
            inner = f"{self.path}/{name}[{index}]"
            if isinstance(one, dict):
                yield Cursor(self.source, one, inner)
            else:
                line = self.source.line(inner)
                text = f"an object is expected, not {_a(one)}"
                self.source.problems.append(Problem(inner, line, text))

    def language(self, outer: Language) -> Language:
        """The language that expressions in it are in."""
        given = self.text("QueryLanguage", outer)
        if given == "JSONPath":
            if outer == "JSONata" and "QueryLanguage" in self.value:
                self.wrong(
                    "QueryLanguage of a state cannot be JSONPath where that of the machine is "
                    "JSONata",
                    "QueryLanguage",
                )
            return "JSONPath"
        if given == "JSONata":
            return "JSONata"
        self.wrong(f"QueryLanguage is JSONPath or JSONata, not {given!r}", "QueryLanguage")
        return outer


def _a(value: Json) -> str:
    kind = kind_of(value)
    if kind in {"object", "array"}:
        return f"an {kind}"
    return "null" if kind == "null" else f"the {kind} {value!r}"


def listed(names: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1] if names else ""]))
