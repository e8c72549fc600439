"""A request that knows no token is done once, whatever becomes of its answers."""

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from gristmill.emr.runners.once import once
from gristmill.errors import GristmillError


def client_error(code: str, status: int) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": "said"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "AddJobFlowSteps")


LOST = ReadTimeoutError(endpoint_url="http://127.0.0.1")
CUT = ConnectionClosedError(endpoint_url="http://127.0.0.1")
GARBLED = ResponseParserError("no JSON")
REFUSED = EndpointConnectionError(endpoint_url="http://127.0.0.1")
BROKEN = client_error("InternalServerError", 500)
THROTTLED = client_error("ThrottlingException", 400)


class Service:
    """Does what it is asked, if a fault lets it, and shows it `late` looks later."""

    def __init__(self, faults: list[tuple[Exception, bool]], late: int = 0) -> None:
        self.faults = iter(faults)
        self.late = late
        self.done: list[str] = []
        self.sent = 0

    def find(self) -> str | None:
        if self.done and self.late:
            self.late -= 1
            return None
        return self.done[0] if self.done else None

    def send(self) -> str:
        self.sent += 1
        fault, does = next(self.faults, (None, True))
        if does:
            self.done.append(f"step {self.sent}")
        if fault is not None:
            raise fault
        return self.done[-1]


@pytest.mark.parametrize("fault", [LOST, CUT, BROKEN, GARBLED, REFUSED])
@pytest.mark.parametrize("late", [0, 1, 2])
def test_where_the_answer_is_lost_it_is_found_and_not_done_again(
    fault: Exception, late: int
) -> None:
    service = Service([(fault, True)], late)
    assert once("add", service.find, service.send, lambda _seconds: None) == "step 1"
    assert (service.sent, len(service.done)) == (1, 1)


@pytest.mark.parametrize("fault", [LOST, CUT, BROKEN, GARBLED, REFUSED])
def test_where_the_request_is_lost_it_is_sent_again(fault: Exception) -> None:
    service = Service([(fault, False), (fault, False)])
    assert once("add", service.find, service.send, lambda _seconds: None) == "step 3"
    assert len(service.done) == 1


def test_where_it_is_done_already_nothing_is_sent() -> None:
    service = Service([])
    service.done = ["step 0"]
    assert once("add", service.find, service.send, lambda _seconds: None) == "step 0"
    assert service.sent == 0


def test_when_throttled_it_waits_longer_each_time() -> None:
    service, pauses = Service([(THROTTLED, False)] * 3), list[float]()
    assert once("add", service.find, service.send, pauses.append) == "step 4"
    assert len(pauses) == 3
    assert all(0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses))


def test_what_is_refused_is_not_tried_again() -> None:
    service = Service([(client_error("ValidationException", 400), False)])
    with pytest.raises(GristmillError, match="cannot add: ValidationException: said"):
        once("add", service.find, service.send, lambda _seconds: None)
    assert service.sent == 1


def test_it_gives_up() -> None:
    service = Service([(LOST, False)] * 99)
    with pytest.raises(GristmillError, match="cannot add: tried for 0 s: Read timeout"):
        once("add", service.find, service.send, lambda _seconds: None)
    assert service.sent == 6


def test_it_sends_nothing_once_others_may_take_over() -> None:
    service, time = Service([(LOST, False)] * 99), [0.0]
    answered = service.send

    def slow() -> str:
        time[0] += 70
        return answered()

    with pytest.raises(GristmillError, match="cannot add"):
        once("add", service.find, slow, lambda _seconds: None, lambda: time[0])
    assert service.sent == 2
