"""Executions that are written down nowhere: express ones, and those of tests."""

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gristmill.workflow.engine.driver import Answer
from gristmill.workflow.interpreter.branch import Event
from gristmill.workflow.interpreter.run import Run
from gristmill.workflow.values import Json

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class MemoryStore:
    """Keeps the history, and what comes back for tokens, until it is let go."""

    history: list[Event] = field(default_factory=list)
    items: dict[str, Json] = field(default_factory=dict)
    stop: tuple[str | None, str | None] | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: list[Answer] = []
        self.on_answer: Callable[[], None] = lambda: None

    def commit(self, run: Run) -> None:
        """Keep what is new."""
        self.history += run.events
        run.events = []
        for name, value in run.kept.items():
            if value is None:
                self.items.pop(name, None)
            else:
                self.items[name] = value
        run.recall = self.items.get
        run.kept = {}
        run.changed.clear()
        run.dropped.clear()

    def answer(self, answer: Answer) -> None:
        """Something came back for a token."""
        with self._lock:
            self._answers.append(answer)
        self.on_answer()

    @property
    def has_news(self) -> bool:
        """Whether something came in that was not asked for yet."""
        return bool(self._answers) or self.stop is not None

    def answers(self, run: Run) -> list[Answer]:  # noqa: ARG002  the protocol's
        """What came back since."""
        with self._lock:
            found, self._answers = self._answers, []
        return found

    def asked_to_stop(self, run: Run) -> tuple[str | None, str | None] | None:  # noqa: ARG002
        """Whether somebody asks to stop it."""
        asked, self.stop = self.stop, None
        return asked
