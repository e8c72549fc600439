"""The page reaches for nothing that a request names: no server of the network behind it."""

import socket
from typing import Any

import pytest

from tests.ui.conftest import TOKEN, Open
from tests.ui.test_actions import sign_in
from tests.ui.test_screens import SCREENS

INSIDE = "http://169.254.169.254/latest/meta-data"
QUOTED = "http:%2f%2f169.254.169.254%2flatest"


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The places that somebody tried to reach."""
    places: list[Any] = []

    def refuse(_socket: socket.socket, place: Any) -> None:
        places.append(place)
        raise ConnectionRefusedError(place)

    def resolve(*place: Any, **_how: Any) -> None:
        places.append(place)
        raise socket.gaierror(place)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return places


@pytest.mark.parametrize(
    "path",
    [
        *(f"{path}?job={INSIDE}&queue={INSIDE}&parent={INSIDE}&url={INSIDE}" for path in SCREENS),
        f"/runs/{QUOTED}",
        f"/workflows/{QUOTED}",
        f"/workflows/{QUOTED}/graph.svg",
        f"/outputs/{QUOTED}/words",
        f"/outputs/0/{QUOTED}",
        "/outputs/0/s3:%2f%2fbucket%2fkey",
        f"/static/{QUOTED}",
    ],
)
def test_looking_reaches_nothing(client: Open, reached: list[Any], path: str) -> None:
    # A page that asks elsewhere is no page of this server, either.
    answer = client().get(path, headers={"referer": INSIDE, "x-forwarded-host": INSIDE})
    assert answer.status_code in {200, 404}
    assert reached == []


@pytest.mark.parametrize("place", [INSIDE, "s3://inside/bucket", "jdbc:postgresql://inside/db"])
def test_a_run_is_written_down_and_its_places_are_left_to_workers(
    client: Open, reached: list[Any], place: str
) -> None:
    page = client(TOKEN)
    form = sign_in(page)
    for job, flags in (("word-count", f"--input {place} --output {place}"), (place, "--input a")):
        page.post("/submit", data={"form": form, "job": job, "flags": flags})
    assert reached == []


def test_what_is_reached_is_seen(reached: list[Any]) -> None:
    with pytest.raises(OSError, match="inside"):
        socket.create_connection(("inside", 80))
    assert reached
