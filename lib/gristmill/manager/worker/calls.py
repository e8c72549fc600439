"""Calls to places, which may take long or never come back, in threads that nobody waits for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Calls:
    """Makes calls, at most so many at once; `done` is called after each."""

    def __init__(self, done: Callable[[], None] = lambda: None, most: int = 32) -> None:
        self._done = done
        self._room = threading.Semaphore(most)

    def make(self, call: Callable[[], T]) -> Future[T]:
        """Make a call in a thread of its own."""
        future: Future[T] = Future()

        def run() -> None:
            with self._room:
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
            self._done()

        # A call that hangs must not keep its process alive.
        threading.Thread(target=run, name="gristmill-call", daemon=True).start()
        return future


class Inline(Calls):
    """Makes each call at once, where it is asked for: for tests that drive the clock."""

    def make(self, call: Callable[[], T]) -> Future[T]:
        """Make the call, and come back when it has."""
        future: Future[T] = Future()
        try:
            future.set_result(call())
        except Exception as error:
            future.set_exception(error)
        return future
