"""What takes long to make is made once for all who look at it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gristmill.cli.ui.sharing import Shared


def test_who_asks_meanwhile_waits_and_gets_the_same() -> None:
    shared, made, go = Shared(), list[int](), threading.Event()
    asking = threading.Barrier(9)

    def make() -> object:
        go.wait(10)
        made.append(1)
        return object()

    def ask(_number: int) -> object:
        asking.wait(10)
        return shared.of("report", 3, make)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, number) for number in range(8)]
        asking.wait(10)
        # Another name is not held up.
        assert shared.of("statistics", 3, lambda: "at once") == "at once"
        go.set()
        found = {id(one.result(10)) for one in asked}
    assert (len(found), len(made)) == (1, 1)


def test_another_version_is_made_anew_and_the_last_is_kept() -> None:
    shared, made = Shared(), iter(range(10))
    assert [shared.of("a", version, made.__next__) for version in (1, 1, 2, 2)] == [0, 0, 1, 1]


def test_what_cannot_be_made_is_tried_again() -> None:
    shared = Shared()
    with pytest.raises(ZeroDivisionError):
        shared.of("a", 1, lambda: 1 / 0)
    assert shared.of("a", 1, lambda: 5) == 5
