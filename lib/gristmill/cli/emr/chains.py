"""Chains of jobs, as a file names them."""

import shlex
from pathlib import Path

from gristmill.errors import InputError, UsageError
from gristmill.runs.chains import joined


def read_chain(file: Path) -> tuple[str, ...]:
    """The jobs of a file, as the words of a command line: one job on each line, with its flags;
    empty lines and what stands behind # say nothing.

    Raises `InputError` where the file cannot be read, `UsageError` where a line is no command.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the chain {file}: {error}") from error
    steps: list[tuple[str, tuple[str, ...]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise UsageError(f"{file}, line {number}: {error}") from error
        if "then" in words:
            raise UsageError(f"{file}, line {number}: each job has a line of its own, without then")
        if words:
            steps.append((words[0], tuple(words[1:])))
    if not steps:
        raise UsageError(f"{file} names no job: one on each line, with its flags")
    return joined(steps)
