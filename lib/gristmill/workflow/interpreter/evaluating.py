"""Expressions where they stand: paths, templates and numbers of a state, with AWS's errors."""

from collections.abc import Mapping
from typing import Any

from gristmill.workflow.data import intrinsics, jsonata
from gristmill.workflow.data.jsonpath import NotThereError, Path, PathSyntaxError, compiled
from gristmill.workflow.definition.cursor import is_expression
from gristmill.workflow.definition.states import State, Template
from gristmill.workflow.errors import RUNTIME, QueryError, StatesError
from gristmill.workflow.interpreter.branch import Branch
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.values import Json, dump, is_number, kind_of


class Evaluator:
    """What expressions of one state see: `given` is its input, or what stands for it. What is
    computed at one moment sees the variables of that moment."""

    def __init__(self, run: Run, branch: Branch, state: State, given: Json) -> None:
        self.state = state
        self.given = given
        self.context = run.context_of(branch)
        self.variables = run.variables_of(branch)
        self.states: dict[str, Json] = {"input": branch.input, "context": self.context}
        self._where = (
            f"An error occurred while executing the state '{branch.state}' (entered at the event "
            f"id #{branch.entered_event}). "
        )

    @property
    def is_jsonata(self) -> bool:
        """Whether the state is in JSONata."""
        return self.state.language == "JSONata"

    def runtime(self, text: str) -> StatesError:
        """States.Runtime, which ends the execution."""
        return StatesError(RUNTIME, self._where + text)

    def query(self, text: str, field: str | None = None) -> QueryError:
        """States.QueryEvaluationError."""
        return QueryError(self._where + text, field)

    # JSONPath

    def find(self, path: Path, given: Json) -> Json:
        """Follow a path. Raises `NotThereError`."""
        if path.root == "$":
            return path.find(given)
        if path.root == "$$":
            return path.find(self.context)
        if path.root not in self.variables:
            raise NotThereError(f"there is no variable ${path.root}")
        return path.find(self.variables[path.root])

    def at(self, text: str, given: Json) -> Json:
        """What a path field, such as InputPath, leads to. Raises `StatesError`."""
        try:
            return self.find(compiled(text), given)
        except (NotThereError, PathSyntaxError) as error:
            raise self.runtime(f"Invalid path '{text}' : {error}") from error

    def value(self, text: str, given: Json, field: str) -> Json:
        """What a path or a call of an intrinsic function gives. Raises `StatesError`."""
        try:
            if not intrinsics.is_call(text):
                return self.find(compiled(text), given)
            return intrinsics.evaluate(intrinsics.parsed(text), lambda path: self.find(path, given))
        except (NotThereError, PathSyntaxError) as error:
            raise self.runtime(
                f"The JSONPath '{text}' specified for the field '{field}' could not be found in "
                f"the input '{dump(given)}'"
            ) from error

    def payload(self, template: Template, given: Json) -> Json:
        """A payload template: names that end in .$ have paths or calls. Raises `StatesError`."""
        return self._filled(template.value, given)

    def _filled(self, value: Json, given: Json) -> Json:
        if isinstance(value, list):
            return [self._filled(one, given) for one in value]
        if not isinstance(value, dict):
            return value
        filled = {}
        for name, one in value.items():
            if name.endswith(".$") and isinstance(one, str):
                filled[name.removesuffix(".$")] = self.value(one, given, name)
            else:
                filled[name] = self._filled(one, given)
        return filled

    # JSONata

    def jsonata(self, value: Json, field: str) -> Json:
        """A value with expressions `{% … %}` in it, however deep. Raises `QueryError`."""
        if isinstance(value, dict):
            return {name: self.jsonata(one, f"{field}/{name}") for name, one in value.items()}
        if isinstance(value, list):
            return [self.jsonata(one, f"{field}[{at}]") for at, one in enumerate(value)]
        if not is_expression(value):
            return value
        text = value[2:-2].strip()
        try:
            return jsonata.evaluate(text, {**self.variables, "states": self.states})
        except jsonata.UndefinedError as error:
            said = f"The JSONata expression '{text}' specified for the field '{field}' {error}"
            raise self.query(said, field) from error
        except jsonata.ExpressionError as error:
            said = (
                f"The JSONata expression '{text}' specified for the field '{field}' threw an error "
                f"during evaluation. {error}"
            )
            raise self.query(said, field) from error

    def typed(self, value: Json, field: str, wanted: str) -> Json:
        """The same, of one type of JSON. Raises `QueryError`."""
        found = self.jsonata(value, field)
        if kind_of(found) == wanted:
            return found
        if not is_expression(value):
            raise self.query(f"The field '{field}' must be of type '{wanted}'", field)
        raise self.query(
            f"The JSONata expression '{value[2:-2].strip()}' specified for the field '{field}' "
            f"returned an unexpected result type. Expected '{wanted}', but was "
            f"'{kind_of(found)}' for value: {dump(found)}",
            field,
        )

    # Both

    def fill(self, template: Template, given: Json) -> Json:
        """A template, in the state's language. Raises `StatesError`."""
        if self.is_jsonata:
            return self.jsonata(template.value, template.field)
        return self.payload(template, given)

    def assigned(self, template: Template | None, given: Json) -> dict[str, Json]:
        """The variables that are set. Raises `StatesError`."""
        if template is None:
            return {}
        found: dict[str, Json] = self.fill(template, given)
        return found

    def whole(self, value: Any, field: str) -> int | None:
        """A whole number, where a path or an expression may stand. Raises `StatesError`."""
        if value is None or is_number(value):
            return None if value is None else int(value)
        if self.is_jsonata:
            found = self.typed(value, field, "number")
            if found != int(found):
                raise self.query(f"The field '{field}' must be a whole number: {found}", field)
            return int(found)
        found = self.at(value, self.given)
        number = found
        if isinstance(found, str) and found.lstrip("-").isdigit():
            number = int(found)
        if not is_number(number) or number != int(number):
            shown = found if isinstance(found, str) else dump(found)
            raise self.runtime(
                f'The {field}Path field refers to value "{shown}" which is not a valid integer: '
                f"{value}"
            )
        return int(number)


def error_output(error: StatesError) -> Mapping[str, Json]:
    """What a catcher is given."""
    return {"Error": error.name or "", "Cause": error.cause or ""}
