"""An AWS of one's own, by hand: `python -m simulator --help`."""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from simulator import Simulator
from simulator.by_hand import FAULTS, Fault, watch

_ABOUT = """
An AWS on this machine, to try Gristmill on: EMR and EMR Serverless, whose clusters start, run
spark-submit for real and end; S3 by SeaweedFS; all else by moto. It prints the variables that name
it, for a second shell, and runs until Ctrl-C or SIGTERM.

What it knows is AWS's documentation and botocore's models of the services, by which each request is
checked before anything else; rules of EMR that no model has are named with their page in
simulator/emr/rules.py. It has not been held against AWS itself.
"""


def main(arguments: Sequence[str]) -> int:
    """Run a simulator until told to end; gives the exit code."""
    told = _parser().parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Simulator() as aws:
        lines = [f"export {key}={shlex.quote(value)}\n" for key, value in aws.environ.items()]
        if told.account:
            aws.write_account(told.account)
            lines.append(f"export GRISTMILL_EMR_ACCOUNT={shlex.quote(str(told.account))}\n")
        # They would lead elsewhere, whatever else is set.
        sys.stdout.write("".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN\n"]))
        sys.stdout.flush()
        _say(f"S3 has the bucket {aws.bucket}; Ctrl-C ends all of it")
        watch(aws, told.faults, ended, _say)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator",
        description=_ABOUT,
        epilog=f"Faults, each as often as it is given, in their order:\n{FAULTS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    text = "write an account file here, for gristmill emr --account"
    parser.add_argument("account", nargs="?", type=Path, metavar="ACCOUNT.toml", help=text)
    text = "have something go wrong; see below"
    parser.add_argument(
        "--fault", dest="faults", type=Fault.of, action="append", default=[], help=text
    )
    return parser


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
