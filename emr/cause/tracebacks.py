"""Python's tracebacks in a log: which one was the first cause, and where in the code it arose."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

_START = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*File "([^"]+)", line (\d+)(?:, in (\S+))?')
_LOGGED = re.compile(r"^\d\d(?:\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d")
_CHAINED = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
# Whose frames say how an error came about, not where.
_NOT_OURS = re.compile(r"/pyspark(?:\.zip)?/|/py4j|/(?:site|dist)-packages/|/lib(?:64)?/python3|^<")


@dataclass
class Traceback:
    """One traceback: where it starts, its frames (file, line, function), what was raised."""

    start: int
    frames: list[tuple[str, int, str]] = field(default_factory=list)
    error: str = ""
    error_line: int = 0

    @property
    def location(self) -> str | None:
        """The innermost frame of the user's code, as `jobs/word_count.py:41 in count_words`."""
        ours = [frame for frame in self.frames if not _NOT_OURS.search(frame[0])]
        if not ours:
            return None
        file, line, function = ours[-1]
        inside = file.rpartition(".zip/")[2]
        if inside == file:
            inside = "/".join(PurePosixPath(file).parts[-2:]).lstrip("/")
        return f"{inside}:{line}" + (f" in {function}" if function else "")


@dataclass(frozen=True)
class Chain:
    """Tracebacks of one failure: the first cause, and what came of it last."""

    root: Traceback
    last: Traceback


def last_chain(lines: Sequence[str], *, logged: bool) -> Chain | None:
    """The last failure in a log; None where there is none.

    Unless `logged`, it is one that Python itself printed, not one in a line that Spark logged.
    """
    for group in reversed(_groups(lines)):
        if logged or lines[group[0].start].startswith(_START):
            return _chain(lines, group)
    return None


def _groups(lines: Sequence[str]) -> list[list[Traceback]]:
    """Those of one failure together: one told in the message of another, or beside it."""
    groups: list[list[Traceback]] = []
    for one in _tracebacks(lines):
        if groups and _belongs(lines, groups[-1][-1], one):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _chain(lines: Sequence[str], group: Sequence[Traceback]) -> Chain:
    root = group[-1]
    # An exception that another one's message quotes is nearer to the cause; of those that Python
    # chains, the first is.
    for earlier, later in zip(reversed(group[:-1]), reversed(group[1:]), strict=True):
        if not _is_chained(lines, earlier, later):
            break
        root = earlier
    return Chain(root, group[-1])


def _tracebacks(lines: Sequence[str]) -> list[Traceback]:
    found: list[Traceback] = []
    is_open = False
    for number, line in enumerate(lines):
        if line.rstrip().endswith(_START):
            found.append(Traceback(number))
            is_open = True
        elif is_open and (frame := _FRAME.match(line)):
            found[-1].frames.append((frame[1], int(frame[2]), frame[3] or ""))
        elif is_open and line[:1].strip():
            if not _LOGGED.match(line):
                found[-1].error = line.strip()
                found[-1].error_line = number
            is_open = False
    return [one for one in found if one.error]


def _belongs(lines: Sequence[str], earlier: Traceback, later: Traceback) -> bool:
    between = lines[earlier.error_line + 1 : later.start + 1]
    return not any(_LOGGED.match(line) for line in between)


def _is_chained(lines: Sequence[str], earlier: Traceback, later: Traceback) -> bool:
    between = lines[earlier.error_line + 1 : later.start]
    return any(line.strip() in _CHAINED for line in between)
