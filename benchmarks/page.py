"""The web page under load: 100,000 runs in a ledger, eight browsers that open screens at once.

    python benchmarks/page.py [--runs 100000] [--clients 8] [--seconds 20]

Prints for each screen how long an answer took (milliseconds), and beside it the same for a page
that shows nothing, from the same server: what is left is ours.
"""

import argparse
import socket
import threading
import time
import urllib.request
from collections import defaultdict
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import uvicorn

from gristmill.cli.ui.app import app
from gristmill.manager.ledger import open_ledger
from tests.ui.test_screens import fill

SCREENS = (
    *("/", "/runs", "/runs?state=failed&job=word-count", "/runs/r000007", "/dead-letters"),
    *("/queues", "/schedules", "/workflows", "/statistics?days=30"),
)
EMPTY = "/static/icon.svg"


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{Path(folder) / 'ledger.db'}")
        fill(ledger, asked.runs)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app(ledger, [], None, ["127.0.0.1"]), log_level="warning")
        server = uvicorn.Server(config)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        serving.start()
        while not server.started:
            time.sleep(0.01)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        alone = measure(address, 1, asked.seconds / 2)
        together = measure(address, asked.clients, asked.seconds)
        server.should_exit = True
        serving.join()
        ledger.close()
    print(f"{asked.runs:,} runs; {sum(map(len, together.values())):,} answers")
    print(f"| screen | alone: p50 | × nothing | {asked.clients} at once: p50 | p95 |")
    print("|---|---:|---:|---:|---:|")
    nothing = part(alone[EMPTY], 50)
    for screen in (EMPTY, *SCREENS):
        one, many = alone[screen], together[screen]
        print(
            f"| {screen} | {part(one, 50):.1f} | {part(one, 50) / nothing:.1f} "
            f"| {part(many, 50):.1f} | {part(many, 95):.1f} |"
        )


def part(seconds: list[float], percent: int) -> float:
    """A percentile, in milliseconds."""
    return 1000 * quantiles(seconds, n=100, method="inclusive")[percent - 1]


def measure(address: str, clients: int, seconds: float) -> dict[str, list[float]]:
    """How long each screen took, asked for by some clients at once, one after the other."""
    took: dict[str, list[float]] = defaultdict(list)
    end = time.monotonic() + seconds

    def ask(first: int) -> None:
        number = first
        while time.monotonic() < end:
            screen = (EMPTY, *SCREENS)[number % (1 + len(SCREENS))]
            begun = time.perf_counter()
            with urllib.request.urlopen(address + screen, timeout=60) as answer:
                answer.read()
            took[screen].append(time.perf_counter() - begun)
            number += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


if __name__ == "__main__":
    main()
