"""A worker that is killed at the n-th time that it reaches a point: POINT N."""

import os
import signal
import sys

from gristmill import failpoints
from gristmill.cli import main


def die_at(name: str, count: int) -> None:
    """Let this process be killed there."""
    left = [count]

    def at(point: str) -> None:
        if point == name:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    failpoints.at = at


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(["worker", "--burst", "--slots", "2", "--cores", "8", "--memory", "100GB"]))
