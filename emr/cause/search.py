"""From logs to the probable cause.

What ended the run is looked at first: what the job itself said, else the last traceback of the
driver, else what YARN told of it. Executors and machines come and go in runs that succeed, so what
befell them counts only where the end of the run is a consequence of something.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gristmill.emr.cause.kinds import (
    WEAK_SIGNS,
    Cause,
    Kind,
    is_consequence,
    kind_of,
    rank,
    sign_ends,
)
from gristmill.emr.cause.tracebacks import Chain, last_chain

_PER_LOG = 1_000_000  # characters of a log's end
_IN_ALL = 16_000_000
_LINE = 2_000
_SHOWN = 300
_LAST = 4  # lines, where nothing better is found
_BLOCK = 400  # lines that can belong to one exception

_SAYS = re.compile(r"^gristmill: (?=\S)")
_EXECUTOR = re.compile(r"SPARK_EXECUTOR|container_\w+_(?!000001)\d{6}\b")
_STAMP = re.compile(r"^\d\d(?:\d\d)?[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d[\d.,Z]* +")
_NOISE = re.compile(
    r"^\s*$|^\s+at |^\s*\.\.\. \d+ more|^(?:INFO|DEBUG|TRACE)\b|^stage \d+: |^starting Spark"
    r"|^\s*\^+\s*$|^[-=*#\s]+$|^WARN \w+: .*(?:native-hadoop|illegal reflective)"
)
_ERROR_CLASS = re.compile(r"\[[A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*\] ")
_WRONG = re.compile(r"ERROR|FATAL|Exception|Error\b(?!=)|[Ff]ailed|FAILED|exit ?code|[Tt]erminated")
_SPARK_S = re.compile(r"^(?:py4j|pyspark|org\.apache\.spark)\.")
_OF_THE_CODE = re.compile(
    r"^(?:(?:Key|Value|Type|Attribute|Index|Name|Lookup|Assertion|ZeroDivision|Syntax|Unicode\w*"
    r"|Overflow|Arithmetic|Indentation|UnboundLocal|NotImplemented)Error)\b"
)
_YARN_S = re.compile(
    r"AM Container for \S+ exited|^\s*diagnostics: |Final app status: FAILED"
    r'|^Exception in thread "main"|[Tt]erminated with errors'
)
_NOTHING_NEW = re.compile(
    r"finished with failed status|diagnostics: (?:N/A|User application exited|AM container is)"
    r"|exited with 1\)|User class threw exception: org.apache.spark.SparkUserAppException"
)
# What Spark says before the reason, on a line of its own length.
_ABORTED = re.compile(r"^\S+: Job aborted due to stage failure: .*?\(TID \d+\) \([^)]*\): ")
_PREFIX = re.compile(r"^(?:Caused by: |: |(?:[a-z]\w*\.)+Py4JJavaError: )")


@dataclass(frozen=True)
class _Log:
    name: str
    lines: Sequence[str]

    @property
    def is_executor(self) -> bool:
        return bool(_EXECUTOR.search(self.name))


@dataclass(frozen=True)
class _End:
    """What ended a run, as a log has it: all that it says, and the line that says it best."""

    log: _Log
    kind: Kind
    shown: tuple[str, ...]
    text: Sequence[str]


def probable_cause(logs: Mapping[str, str]) -> Cause:
    """Why a run failed, by the texts of its logs, each under its name.

    Takes time in proportion to their length, of which only the end is read. Raises nothing:
    where the logs do not tell, the cause is `Kind.UNKNOWN` with the last lines that mean anything.
    """
    told = [*_read(logs)]
    drivers = [log for log in told if not log.is_executor]
    end = _said(drivers) or _raised(drivers) or _reported(drivers)
    if end is None:
        return _anywhere(told) or _weak(told) or _raised_in_tasks(told) or _last_lines(told)
    strongest = _strongest(end.text)
    if strongest is not None:
        kind, line = strongest
        shown = (line, *end.shown) if end.kind is Kind.SPARK else end.shown
        return _cause(kind, shown, end.log)
    if not (end.text and is_consequence(end.shown[0])):
        return _cause(end.kind, end.shown, end.log)
    found = _anywhere(told) or _weak(told) or _raised_in_tasks(told)
    if found and found.where != end.log.name:
        return found
    # Of the same log, what ended the run says more than the line that told its kind.
    return _cause(found.kind if found else end.kind, end.shown, end.log)


def _read(logs: Mapping[str, str]) -> Iterator[_Log]:
    left = _IN_ALL
    # The driver's before the executors', of which there may be hundreds.
    for name in sorted(logs, key=lambda name: (bool(_EXECUTOR.search(name)), _about(name))):
        kept = logs[name][-min(_PER_LOG, left) :] if left else ""
        left -= len(kept)
        yield _Log(name, [line[:_LINE].rstrip("\r") for line in kept.split("\n")])


def _about(name: str) -> tuple[bool, str]:
    # What EMR says of a step comes after what the step says.
    return bool(re.search(r"/(?:controller|syslog)\b", name)), name


def _said(logs: Sequence[_Log]) -> _End | None:
    for log in logs:
        for number, line in enumerate(log.lines):
            if _SAYS.match(line):
                more = log.lines[number + 1 : number + 2]
                # In brackets it adds the line of Spark's or Java's that it took it from.
                shown = (line, *(text for text in more if text.startswith("(")))
                said = tuple(_SAYS.sub("", text) for text in shown)
                return _End(log, Kind.SAID, said, said)
    return None


def _raised(logs: Sequence[_Log]) -> _End | None:
    for log in logs:
        # Spark logs what tasks raised, too; they are tried again, and the run may go on.
        chain = last_chain(log.lines, logged=False)
        if chain:
            return _of_traceback(log, chain)
    return None


def _of_traceback(log: _Log, chain: Chain) -> _End:
    root = chain.root
    message = [*_message(log.lines[root.error_line : root.error_line + _BLOCK])]
    if _SPARK_S.match(root.error):
        return _End(log, Kind.SPARK, (_by_spark(message),), message)
    location = root.location or chain.last.location
    shown = [root.error] + ([f"at {location}"] if location else [])
    if chain.last is not root and not _SPARK_S.match(chain.last.error):
        shown.append(f"then: {chain.last.error}")
    # The message of such an error is made of data, and may say anything.
    text = [] if _OF_THE_CODE.match(root.error) else [root.error]
    return _End(log, Kind.PYTHON, tuple(shown), text)


def _message(lines: Sequence[str]) -> Iterator[str]:
    # It goes on until the log does.
    for number, line in enumerate(lines):
        if number and _STAMP.match(line):
            return
        if number == 0 or not _NOISE.match(line):
            yield line


def _by_spark(message: Sequence[str]) -> str:
    """The innermost reason in what Spark and Java tell of an exception."""
    best = next((line for line in message[1:] if line.startswith(": ")), message[0])
    for line in message:
        classes = [*_ERROR_CLASS.finditer(line)]
        told = line[classes[-1].start() :] if classes else line
        if (classes or line.startswith("Caused by: ")) and not is_consequence(told):
            best = told
    return best


def _reported(logs: Sequence[_Log]) -> _End | None:
    for log in logs:
        for number, line in enumerate(log.lines):
            if _YARN_S.search(line) and not _NOTHING_NEW.search(line):
                text = [*_message(log.lines[number : number + 40])]
                return _End(log, Kind.SPARK, (_by_spark(text),), text)
    return None


def _strongest(lines: Iterable[str]) -> tuple[Kind, str] | None:
    found = [(kind, line) for line in lines if (kind := kind_of(line))]
    # Of the same kind, words say more than an exit code.
    return min(found, key=lambda hit: (rank(hit[0]), "exitCode: " in hit[1]), default=None)


def _anywhere(logs: Sequence[_Log]) -> Cause | None:
    hits = [(hit, log) for log in logs if (hit := _strongest(_telling(log)))]
    if not hits:
        return None
    (kind, line), log = min(hits, key=lambda found: rank(found[0][0]))
    return _cause(kind, (line,), log)


def _weak(logs: Sequence[_Log]) -> Cause | None:
    for kind, pattern in WEAK_SIGNS:
        for log in logs:
            line = next((line for line in _telling(log) if pattern.search(line)), None)
            if line is not None:
                return _cause(kind, (line,), log)
    return None


def _raised_in_tasks(logs: Sequence[_Log]) -> Cause | None:
    for log in logs:
        chain = last_chain(log.lines, logged=True)
        if chain:
            end = _of_traceback(log, chain)
            return _cause(end.kind, end.shown, log)
    return None


def _last_lines(logs: Sequence[_Log]) -> Cause:
    for is_telling in (_WRONG, re.compile(r"\S")):
        for log in logs:
            lines = [line for line in _telling(log) if is_telling.search(line)]
            if lines:
                return _cause(Kind.UNKNOWN, lines[-_LAST:], log)
    return Cause(Kind.UNKNOWN, (), "")


def _telling(log: _Log) -> Iterator[str]:
    return (line for line in log.lines if not _NOISE.match(_STAMP.sub("", line)))


def _cause(kind: Kind, lines: Sequence[str], log: _Log) -> Cause:
    shown = dict.fromkeys(_short(line) for line in lines)
    return Cause(kind, tuple(line for line in shown if line), log.name)


def _short(line: str) -> str:
    bare = _PREFIX.sub("", _STAMP.sub("", line)).strip()
    bare = _ABORTED.sub("", bare)
    if len(bare) <= _SHOWN:
        return bare
    # The end of what is shown lies a little behind the words that matter.
    over = max(0, min(sign_ends(bare) + _SHOWN // 3, len(bare)) - _SHOWN)
    shown = bare[over : over + _SHOWN]
    return ("…" + shown[1:] if over else shown)[: _SHOWN - 1] + "…"
