"""The score of the workflows on state machines that were recorded on AWS.

`python -m tests.real.asl_score FILE.json.gz [--show N] [--only TEXT]`: for each case, the state
machine is run on its input, with functions, queues, tables and objects as its recording had them,
on a clock that jumps over waits. Three tiers are told:

1. how it ended: the status, and the output, or the error (and its cause);
2. the types of events, in order;
3. events whole, with their details.

What is compared leaves out what differs between any two runs: times, request ids, HTTP headers,
tokens, names that the recording replaced (`<…>`, `…-name`), and account and region in ARNs. In the
recordings of Parallel some events were sorted, and have no number: those are compared as a set.
ParallelStateSucceeded was cut out of the recordings (their numbers skip it), and is here, too.
"""

import argparse
import gzip
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.real.asl.cases import Outcome, run_case


def main(argv: list[str]) -> int:
    """Run the cases of a file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="", help="cases with this text in their names")
    parser.add_argument("--show", type=int, default=0, help="how much of each difference")
    arguments = parser.parse_args(argv)
    outcomes = score(arguments.file, arguments.only)
    for one in outcomes:
        if one.differences:
            print(f"{one.tier}  {one.id}")
            for text in one.differences:
                print(f"     {text[: arguments.show or 200]}")
    print(summary(outcomes))
    return 0


def score(file: Path, only: str = "") -> list[Outcome]:
    """What became of each case."""
    document = json.loads(gzip.decompress(file.read_bytes()))
    cases: list[dict[str, Any]] = document["cases"] if isinstance(document, dict) else document
    return [run_case(case) for case in cases if only in case["id"]]


def summary(outcomes: list[Outcome]) -> str:
    """How many reached each tier."""
    total = len(outcomes)
    reached = Counter(one.tier for one in outcomes)
    ended = sum(reached[tier] for tier in (1, 2, 3))
    typed = reached[2] + reached[3]
    return (
        f"{total} cases: ended as on AWS {ended}, events in order {typed}, events whole "
        f"{reached[3]}; not run {reached[-1]}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
