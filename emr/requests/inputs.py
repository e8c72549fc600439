"""More inputs than a request has room for: they go into a list in S3, named by its content."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gristmill.errors import UsageError
from gristmill.readers.input_list import is_list
from gristmill.runs import Submission
from gristmill.runs.chains import joined, steps_of

_FLAG = "--input"


@dataclass(frozen=True)
class InputLists:
    """Lists of inputs: what is in each, by where in S3 it goes, and the submission that names
    them."""

    files: Mapping[str, bytes]
    submission: Submission


def listed(submission: Submission, home: str) -> InputLists | None:
    """`submission` with the inputs of each of its jobs in a list below `home`; None where that
    makes it no shorter.

    What is a list already stays beside it. Raises `UsageError` for what a list cannot hold.
    """
    files: dict[str, bytes] = {}
    steps = [
        (job, _listed(argv, home, files))
        for job, argv in steps_of((submission.job, *submission.argv))
    ]
    if not files:
        return None
    return InputLists(files, replace(submission, argv=joined(steps)[1:]))


def _listed(argv: tuple[str, ...], home: str, files: dict[str, bytes]) -> tuple[str, ...]:
    """The flags of a job with its inputs in a list, which is added to `files`."""
    inputs, rest = split(argv)
    lists, names = (
        [one for one in inputs if is_list(one)],
        [one for one in inputs if not is_list(one)],
    )
    if len(names) < 2:
        return argv
    for name in names:
        if name != name.strip() or name.startswith("#") or "\n" in name:
            raise UsageError(f"--input {name!r} cannot stand in a list: name a folder or a glob")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UsageError(f"--input {twice[0]} is there twice, and would be read twice")
    data = "".join(f"{name}\n" for name in names).encode()
    uri = f"{home}/packages/inputs/{hashlib.sha256(data).hexdigest()[:32]}.txt"
    files[uri] = data
    return (_FLAG, f"@{uri}", *lists, *rest)


def split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """The inputs among a job's flags, and all else."""
    inputs: list[str] = []
    rest: list[str] = []
    is_input = False
    for word in argv:
        if word == _FLAG:
            is_input = True
        elif word.startswith(f"{_FLAG}="):
            is_input = False
            inputs.append(word.partition("=")[2])
        else:
            # As argparse tells them apart: a flag begins with a dash and has no space.
            is_input = is_input and (word[:1] != "-" or word == "-" or " " in word)
            (inputs if is_input else rest).append(word)
    return inputs, rest
