"""The items of a Map: where they come from, one by one or in batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.workflow.definition.states import Map
from gristmill.workflow.interpreter.branch import Branch
from gristmill.workflow.interpreter.evaluating import Evaluator
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.interpreter.spool import Spool
from gristmill.workflow.values import Json, dump, kind_of, size_of


@dataclass(frozen=True)
class Given:
    """What an iteration gets: its input, and what the context object tells of its item."""

    given: Json
    item: dict[str, Json]


def items_of(at: Evaluator, state: Map, given: Json) -> list[Json]:
    """The items that are in the input, or that an expression gives. Raises `StatesError`."""
    if at.is_jsonata:
        if state.items is None:
            if not isinstance(given, list):
                raise at.query(f"Map state input must be an array but was: {dump(given)}")
            return given
        value = state.items.value
        found: list[Json] = (
            at.jsonata(value, "Items")
            if isinstance(value, list)
            else at.typed(value, "Items", "array")
        )
        return found
    items = given if state.items_path is None else at.at(state.items_path, given)
    if not isinstance(items, list):
        where = "" if state.items_path is None else f" at '{state.items_path}'"
        raise at.runtime(
            f'Reference path "{state.items_path or "$"}" must point to array: what is there'
            f"{where} is of type {kind_of(items)}."
        )
    return items


@dataclass
class Items:
    """The items of one map, taken one after the other. What was read from elsewhere lies in a file;
    a batch is several items."""

    state: Map
    at_: Evaluator
    source: Sequence[Json] | Spool
    _batch: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(run: Run, branch: Branch, state: Map, at: Evaluator) -> "Items":
        """Those of a branch that is at a map."""
        found = run.known(f"items/{branch.id}")
        source = Spool.of(found) if isinstance(found, dict) else found or []
        batch = branch.work.setdefault("batch", {"at": 0})
        return Items(state, at, source, batch)

    @staticmethod
    def count(run: Run, branch: Branch, state: Map) -> int | None:
        """How many iterations there will be, where that is known."""
        if state.batcher is not None:
            return None
        found = run.known(f"items/{branch.id}")
        return int(found["count"]) if isinstance(found, dict) else len(found or [])

    def close(self) -> None:
        """Let go of the file, if there is one."""
        if isinstance(self.source, Spool):
            self.source.close()

    def at(self, index: int) -> Given | None:
        """What an iteration gets; None after the last. They are asked for in turn.

        Raises `StatesError` for an ItemSelector that fails.
        """
        if self.state.batcher is None:
            if index >= len(self.source):
                return None
            value = self.source[index]
            return Given(self._selected(index, value), {"Index": index, "Value": value})
        items = list(self._next_batch())
        if not items:
            return None
        given: dict[str, Json] = {"Items": items}
        if self.state.batcher.batch_input is not None:
            more = self.at_.fill(self.state.batcher.batch_input, self.at_.given)
            given = {"BatchInput": more, "Items": items}
        return Given(given, {"Index": index, "Value": given})

    def _selected(self, index: int, value: Json) -> Json:
        if self.state.parameters is None:
            return value
        self.at_.context["Map"] = {"Item": {"Index": index, "Value": value}}
        return self.at_.fill(self.state.parameters, self.at_.given)

    def _next_batch(self) -> Iterator[Json]:
        batcher = self.state.batcher
        assert batcher is not None  # noqa: S101  the caller looked
        most = self.at_.whole(batcher.max_items, "MaxItemsPerBatch")
        room = self.at_.whole(batcher.max_bytes, "MaxInputBytesPerBatch")
        count, size = 0, 0
        while self._batch["at"] < len(self.source):
            index = self._batch["at"]
            one = self._selected(index, self.source[index])
            size += size_of(one)
            if count and (
                (most is not None and count >= most) or (room is not None and size > room)
            ):
                return
            self._batch["at"] += 1
            count += 1
            yield one
