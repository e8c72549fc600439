"""What is asked of the job manager: a run, or an array of runs."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from gristmill.errors import UsageError
from gristmill.manager.settings import DEFAULT, JobDefinition, RetryRule, Settings, Step

MOST_CHILDREN, MOST_ATTEMPTS = 100_000, 10


@dataclass(frozen=True)
class RunRequest:
    """A run that is asked for. `timeout` and `late_after` are seconds, `memory` bytes.

    `key` makes it safe to repeat: the same key is the same run. `array` is how many children, or an
    item for each; in `argv` of a child `{index}` and `{item}` stand for its own. `after` must have
    succeeded, `after_any` must have ended; `n_to_n` names an array of the same size whose children
    it waits for one by one, and `sequential` lets child wait for child. `scope` is what only one
    run at a time may write.
    """

    job: str
    argv: tuple[str, ...] = ()
    folder: str = ""
    key: str | None = None
    queue: str = DEFAULT
    priority: int = 0
    share: str = DEFAULT
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    array: tuple[str, ...] | None = None
    n_to_n: str | None = None
    sequential: bool = False
    fail_fast: bool = False
    attempts: int = 3
    timeout: float | None = None
    cores: float = 1.0
    memory: int = 10**9
    on: str | None = None
    retry: tuple[RetryRule, ...] = ()
    late_after: float | None = None
    then: tuple[Step, ...] = ()
    scope: str | None = None
    definition: str | None = None
    due: float = 0.0
    submitter: str = field(default="", compare=False)

    @property
    def digest(self) -> str:
        """What two requests have in common if they are the same."""
        told = {name: value for name, value in asdict(self).items() if name not in _NOT_TOLD}
        told["retry"] = [rule.model_dump() for rule in self.retry]
        told["then"] = [step.model_dump() for step in self.then]
        text = json.dumps(told, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def check(self, settings: Settings) -> None:
        """See that it can ever run. Raises `UsageError`."""
        self._check_numbers()
        queue = settings.queue(self.queue)
        if queue is None:
            known = ", ".join(settings.all_queues)
            raise UsageError(f"no queue {self.queue!r}; there are: {known}")
        if queue.shares and self.share not in queue.shares:
            known = ", ".join(queue.shares)
            raise UsageError(f"queue {self.queue} has no share {self.share!r}; there are: {known}")
        names = (self.on,) if self.on else queue.places
        reasons = [said for name in names if (said := self._unfit(settings, name))]
        if len(reasons) == len(names):
            raise UsageError(f"it can never run: {'; '.join(reasons)}")
        for what, bound, asked in (
            ("cores", queue.max_cores, self.cores),
            ("bytes of memory", queue.max_memory, self.memory),
        ):
            if bound is not None and asked > bound:
                raise UsageError(
                    f"it can never run: queue {self.queue} has {bound:,g} {what} for all its runs, "
                    f"and this one asks for {asked:,g}"
                )

    def _check_numbers(self) -> None:
        if not 1 <= self.attempts <= MOST_ATTEMPTS:
            raise UsageError(f"a run is tried 1 to {MOST_ATTEMPTS} times, not {self.attempts}")
        if self.array is not None and not 1 <= len(self.array) <= MOST_CHILDREN:
            raise UsageError(
                f"an array has 1 to {MOST_CHILDREN:,} children, not {len(self.array):,}"
            )
        if self.array is None and (self.n_to_n or self.sequential or self.fail_fast):
            raise UsageError("--n-to-n, --sequential and --fail-fast are for an --array")
        if self.timeout is not None and self.timeout <= 0:
            raise UsageError("--timeout must be longer than nothing")
        if self.cores <= 0 or self.memory < 0:
            raise UsageError("--cores must be more than 0, and --memory no less")

    def _unfit(self, settings: Settings, name: str) -> str | None:
        place = settings.place(name)
        if place is None:
            return f"no place {name!r}"
        if place.cores is not None and self.cores > place.cores:
            return f"{name} has {place.cores:g} cores, and it asks for {self.cores:g}"
        if place.memory is not None and self.memory > place.memory:
            return f"{name} has {place.memory:,} bytes of memory, and it asks for {self.memory:,}"
        return None

    def argv_of(self, index: int) -> tuple[str, ...]:
        """The flags of a child."""
        return tuple(self._of(word, index) for word in self.argv)

    def scope_of(self, index: int) -> str | None:
        """What only one run at a time may write, of a child."""
        return None if self.scope is None else self._of(self.scope, index)

    def _of(self, text: str, index: int) -> str:
        item = (self.array or ())[index]
        return text.replace("{index}", str(index)).replace("{item}", item)


_NOT_TOLD = {"key", "submitter", "due"}


def of_definition(
    name: str, revision: int, definition: JobDefinition, **changes: Any
) -> RunRequest:
    """The request for a run of a job definition, but for what is asked otherwise."""
    more = {key: value for key, value in changes.items() if value is not None}
    told = {
        "job": definition.job,
        "argv": definition.args,
        "folder": definition.folder,
        "queue": definition.queue,
        "priority": definition.priority,
        "share": definition.share,
        "attempts": definition.attempts,
        "timeout": definition.timeout,
        "cores": definition.cores,
        "memory": definition.memory,
        "on": definition.on,
        "retry": definition.retry,
        "late_after": definition.late_after,
        "then": definition.then,
        "definition": f"{name}:{revision}",
    }
    return RunRequest(**{**told, **more})
