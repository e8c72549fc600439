"""DBOS: a workflow of so many steps, on PostgreSQL or SQLite."""

import os
import sys
import time

from dbos import DBOS


@DBOS.step()
def work(number: int) -> int:
    """What is done each time."""
    return number + 1


@DBOS.workflow()
def count(most: int) -> int:
    """As the loop with a task."""
    number = 0
    while number < most:
        number = work(number)
    return number


def main(url: str, most: int) -> float:
    """Seconds for so many steps."""
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "application_version": "1",
            "run_admin_server": False,
        }
    )
    DBOS.launch()
    count(2)
    began = time.perf_counter()
    count(most)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
    sys.stdout.flush()
    os._exit(0)
