"""Work that is done aside of a thread which Ctrl-C has stopped."""

import pytest
from py4j.protocol import Py4JNetworkError

from gristmill.spark import session


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_PAUSE_SECONDS", 0)


@pytest.mark.parametrize("failures", [0, 1, 4])
def test_a_connection_that_is_closed_at_once_is_made_anew(failures: int) -> None:
    left = [Py4JNetworkError("Answer from Java side is empty")] * failures

    def work() -> str:
        if left:
            raise left.pop()
        return "done"

    assert session.aside(work) == "done"


@pytest.mark.parametrize(
    ("error", "calls"), [(Py4JNetworkError("refused"), 5), (OSError("full"), 1)], ids=["java", "os"]
)
def test_what_fails_aside_is_given_up(error: Exception, calls: int) -> None:
    called = []

    def work() -> None:
        called.append(1)
        raise error

    assert session.aside(work) is None
    assert len(called) == calls
