"""An AWS of one's own, by hand: `python -m simulator [ACCOUNT.toml]`.

Prints the variables that name it, for a second shell; writes the account file where one is named;
runs until Ctrl-C or SIGTERM.
"""

import shlex
import signal
import sys
import threading
from pathlib import Path

from simulator import Simulator


def main(arguments: list[str]) -> None:
    """Run a simulator until told to end."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Simulator() as aws:
        lines = [f"export {key}={shlex.quote(value)}\n" for key, value in aws.environ.items()]
        if arguments:
            aws.write_account(Path(arguments[0]))
        # They would lead elsewhere, whatever else is set.
        sys.stdout.write("".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN\n"]))
        sys.stdout.flush()
        sys.stderr.write(f"S3 has the bucket {aws.bucket}; Ctrl-C ends all of it\n")
        ended.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
