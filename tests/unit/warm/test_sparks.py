"""What is kept of Spark, for whom and for how long: with a clock that is driven, and no JVM."""

import os
import socket
from collections.abc import Iterator

import pytest

from gristmill.warm.messages import receive
from gristmill.warm.sparks import IDLE_SECONDS, Sparks

TOLD = {"port": 1, "secret": "s", "process": 2, "java": "Java 17", "folder": "/"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """Sparks, runs that ask for them, and JVMs: pipes, whose reading end is the JVM's."""

    def __init__(self) -> None:
        self.clock, self.memory = Clock(), 1.0
        self.sparks = Sparks(self.clock, lambda: self.memory)
        self.jvms: dict[str, int] = {}

    def find(self, key: str, process: int) -> socket.socket:
        """The end at which a run waits for its answer."""
        run, server = socket.socketpair()
        run.settimeout(0.2)
        self.sparks.find(key, process, server)
        return run

    def start(self, key: str, process: int) -> None:
        assert answer(self.find(key, process)) is None
        self.jvms[key], alive = os.pipe()
        self.sparks.keep(key, process, TOLD, alive)

    def is_alive(self, key: str) -> bool:
        """Whether somebody holds the standard input of a JVM open."""
        os.set_blocking(self.jvms[key], False)
        try:
            return os.read(self.jvms[key], 1) != b""
        except BlockingIOError:
            return True


def answer(run: socket.socket) -> object:
    with run:
        return receive(run)[0]["spark"]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.sparks.close()
    for jvm in made.jvms.values():
        os.close(jvm)


def test_what_one_run_has_started_the_next_one_uses(world: World) -> None:
    world.start("a", 1)
    world.sparks.leave(1, retire=False)
    assert answer(world.find("a", 2)) == TOLD
    assert answer(world.find("b", 3)) is None


def test_runs_wait_for_the_one_that_starts(world: World) -> None:
    assert answer(world.find("a", 1)) is None
    waiting = world.find("a", 2)
    with pytest.raises(TimeoutError):
        receive(waiting)
    world.jvms["a"], alive = os.pipe()
    world.sparks.keep("a", 1, TOLD, alive)
    assert answer(waiting) == TOLD


@pytest.mark.parametrize("has_died", [False, True])
def test_where_nothing_was_started_the_next_that_waits_starts(world: World, has_died: bool) -> None:
    assert answer(world.find("a", 1)) is None
    second, third = world.find("a", 2), world.find("a", 3)
    if has_died:
        world.sparks.leave(1, retire=True)
    else:
        world.sparks.give_up(1)
    assert answer(second) is None
    with pytest.raises(TimeoutError):
        receive(third)
    world.sparks.give_up(2)
    assert answer(third) is None


def test_a_jvm_that_has_died_is_started_anew(world: World) -> None:
    world.start("a", 1)
    world.sparks.leave(1, retire=False)
    os.close(world.jvms.pop("a"))
    assert answer(world.find("a", 2)) is None


def test_what_a_run_left_in_disorder_nobody_else_gets(world: World) -> None:
    world.start("a", 1)
    assert answer(world.find("a", 2)) == TOLD
    world.sparks.leave(1, retire=True)
    # The other one goes on with it.
    assert world.is_alive("a")
    assert answer(world.find("a", 3)) is None
    world.sparks.leave(2, retire=False)
    assert not world.is_alive("a")


def test_it_ends_after_a_while_in_which_nobody_asks(world: World) -> None:
    world.start("a", 1)
    world.clock.now += 10 * IDLE_SECONDS
    assert not world.sparks.look()
    assert world.is_alive("a")
    world.sparks.leave(1, retire=False)
    world.clock.now += IDLE_SECONDS - 1
    assert not world.sparks.look()
    assert world.is_alive("a")
    assert world.sparks.ends_in() == 1
    world.clock.now += 1
    assert world.sparks.look()
    assert not world.is_alive("a")


def test_two_that_nobody_uses_are_kept_those_used_last(world: World) -> None:
    for process, key in enumerate("abc"):
        world.start(key, process)
    for process in range(3):
        world.clock.now += 1
        world.sparks.leave(process, retire=False)
    assert [world.is_alive(key) for key in "abc"] == [False, True, True]


def test_where_memory_is_short_only_what_is_used_is_kept(world: World) -> None:
    world.start("a", 1)
    world.start("b", 2)
    world.sparks.leave(1, retire=False)
    world.memory = 0.01
    world.sparks.look()
    assert [world.is_alive(key) for key in "ab"] == [False, True]
    world.sparks.leave(2, retire=False)
    assert not world.is_alive("b")


def test_a_process_that_has_forked_does_not_keep_it_alive(world: World) -> None:
    world.start("a", 1)
    world.sparks.close()
    assert not world.is_alive("a")
