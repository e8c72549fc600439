"""Kills runs with SIGKILL at every point of a publish, and looks at what is left.

    python -m tests.crash.matrix FOLDER SEED ROUNDS [parquet|iceberg]

A round publishes some history and then runs a victim again and again, killed at its first point,
its second, and so on until it gets through. After each kill a recovery runs, itself killed at some
point every other time, and then one that is not. What a reader then finds has to be exactly the old
rows or exactly the new ones, in all datasets alike. Prints the number of kills; raises
`AssertionError` where a kill did harm.

Processes are forked from this one, which has no threads: a start of Python for each would take
most of the time.
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from gristmill import failpoints as faults
from gristmill.publish import state
from gristmill.publish.lease import utc_now
from gristmill.publish.settle import recover
from gristmill.storage import Storage
from gristmill.storage.local import LocalStorage
from tests.support.publishing import (
    REFUSED,
    SALES,
    STOCK,
    Rows,
    Work,
    files_of,
    is_table,
    publish,
    stored,
    wrong,
)

State = dict[str, list[tuple[str, str]]]

_SHOPS = ("x", "y", "z")


def killed(at: int, action: Callable[[], object]) -> bool:
    """Do `action` in a process that is killed at the point it reaches as its `at`th, from 0.

    Gives whether it was killed, and not through before.
    """
    child = os.fork()
    if child == 0:
        left = at

        def count(_name: str) -> None:
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

        faults.at = count
        try:
            action()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "a run failed by itself"
    return False


def some_work(draw: random.Random) -> Work:
    """Work for a run: rows and rejects for one of two datasets, now and then none."""
    schema = draw.choice((STOCK, SALES))

    def rows(most: int) -> Rows:
        return [
            (f"i{draw.randrange(10**6)}", draw.choice(_SHOPS)) for _ in range(draw.randrange(most))
        ]

    scope = (draw.choice(_SHOPS),) if schema is STOCK and draw.random() < 0.5 else ()
    return Work(
        {schema: rows(8), REFUSED: rows(3)},
        batch=f"{schema.name}{draw.randrange(2)}",
        scope=scope,
    )


def expected(state: State, mine: State, work: Work) -> State:
    """What a reader finds after `work`: by the words of the promise, batch by batch.

    `state` maps a dataset to its rows, `mine` those of the same batch.
    """
    after = dict(state)
    for schema, rows in work.rows.items():
        old = state[schema.name]
        if schema.write_mode == "partition":
            gone = {shop for _, shop in rows} | set(work.scope)
            kept = [row for row in old if row[1] not in gone]
        else:
            kept = list(old)
            for row in mine[schema.name]:
                kept.remove(row)
        after[schema.name] = sorted([*kept, *rows])
    return after


def state_of(storage: Storage) -> State:
    """All rows that a reader finds."""
    return {schema.name: stored(storage, schema) for schema in (STOCK, SALES, REFUSED)}


def of_batch(storage: Storage, batch: str) -> State:
    """The rows of a batch that a reader finds."""
    found: State = {}
    for schema in (SALES, REFUSED):
        rows = []
        for path in files_of(storage, schema.name):
            *_, folder, name = path.split("/")
            said = path.split("/")[1].removeprefix("gristmill_run=") if is_table(storage) else name
            if said.startswith(f"{batch}-"):
                data = storage.read(f"{schema.name}/{path}") or b""
                shop = folder.removeprefix("shop=")
                rows += [(item, shop) for item in data.decode().splitlines()]
        found[schema.name] = sorted(rows)
    return found


def one_round(
    open_at: Callable[[Path], Storage], folder: Path, draw: random.Random, kind: str = "parquet"
) -> int:
    """Kill a victim at each of its points; gives how many kills there were."""
    saved, place = folder / "saved", folder / "out"
    for left in (saved, place):
        shutil.rmtree(left, ignore_errors=True)
    for number in range(draw.randrange(4)):
        publish(open_at(place), f"h{number}", some_work(draw), table_format=kind)
    if place.exists():
        # Not made there: tables of Iceberg are of one place.
        shutil.copytree(place, saved)
    work = some_work(draw)
    storage = open_at(place)
    kills = 0
    for at in range(10_000):
        shutil.rmtree(place, ignore_errors=True)
        if saved.exists():
            shutil.copytree(saved, place)
        old = state_of(storage)
        new = expected(old, of_batch(storage, work.batch), work)
        if not killed(at, lambda: publish(open_at(place), "victim", work, table_format=kind)):
            assert state_of(storage) == new
            assert not wrong(storage)
            return kills
        kills += 1
        if draw.random() < 0.5:
            kills += killed(draw.randrange(20), lambda: settle(open_at(place)))
        settle(storage)
        found = state_of(storage)
        assert found in (old, new), (at, old, new, found)
        assert not wrong(storage), (at, wrong(storage))
        if at % 5 == 0:
            publish(storage, "again", work, table_format=kind)
            assert state_of(storage) == new, at
            assert not wrong(storage), (at, wrong(storage))
    raise AssertionError("no end of points")


def settle(storage: Storage) -> None:
    """What every run does first: the victim's process has gone, so nobody waits for it."""
    recover(storage, "me", utc_now())


def main(folder: Path, seed: int, rounds: int, kind: str = "parquet") -> int:
    """Some rounds; gives the number of kills."""
    # So that checkpoints and their cleaning are among what is killed.
    state._CHECKPOINT_EVERY = 2
    state.KEPT_FOR *= 0
    draw = random.Random(seed)
    return sum(one_round(lambda p: LocalStorage(str(p)), folder, draw, kind) for _ in range(rounds))


if __name__ == "__main__":
    print(
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]),
        "kills did no harm",
    )
