"""More inputs than a request has room for: they go into a list in S3, named by its content."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gristmill.errors import UsageError
from gristmill.readers.input_list import is_list
from gristmill.runs import Submission

_FLAG = "--input"


@dataclass(frozen=True)
class InputList:
    """A list of inputs: where in S3 it goes, what is in it, and the submission that names it."""

    uri: str
    data: bytes
    submission: Submission


def listed(submission: Submission, home: str) -> InputList | None:
    """`submission` with its inputs in a list below `home`; None where that makes it no shorter.

    What is a list already stays beside it. Raises `UsageError` for what a list cannot hold.
    """
    inputs, rest = split(submission.argv)
    lists, names = (
        [one for one in inputs if is_list(one)],
        [one for one in inputs if not is_list(one)],
    )
    if len(names) < 2:
        return None
    for name in names:
        if name != name.strip() or name.startswith("#") or "\n" in name:
            raise UsageError(f"--input {name!r} cannot stand in a list: name a folder or a glob")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise UsageError(f"--input {twice[0]} is there twice, and would be read twice")
    data = "".join(f"{name}\n" for name in names).encode()
    uri = f"{home}/packages/inputs/{hashlib.sha256(data).hexdigest()[:32]}.txt"
    argv = (_FLAG, f"@{uri}", *lists, *rest)
    return InputList(uri, data, replace(submission, argv=argv))


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
