r"""What loggers put before a line, or around it, and the line without.

- syslog as RFC 3164, 4.1 has it, and as rsyslog, journald (`-o short`, `short-precise`,
  `short-iso`, `short-full`) and nginx's `access_log syslog:` write it: time, host, tag, and a
  colon; with `<PRI>` or without;
- syslog as RFC 5424, 6 has it, with structured data and a byte order mark or without;
- Kubernetes (`/var/log/containers`, the CRI's format): time, stream, `F`; `kubectl logs --prefix`;
- Docker: `docker compose logs` (`web-1  | `), its json-file driver (`{"log":"…\n",…}`), and times
  alone, as `-t` and `kubectl logs --timestamps` give them;
- `journalctl -o json`, where `MESSAGE` is a string.

The host, program and time of a prefix are dropped. What is a part of a line (`P` in the CRI's
format, a `log` of json-file without its `\n`) cannot be read by itself: `is_part` says so. One
prefix is taken off, not one behind another; a format is strict on what is left.
"""

import json

from pyspark.sql import Column
from pyspark.sql import functions as F

from gristmill.readers.logs.json_text import STRICT
from gristmill.readers.logs.values import python

_PRI = "(?:<[0-9]{1,3}>)?+"
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = "[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?+"
_ZONE = "(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_ISO = f"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T{_CLOCK}{_ZONE}"
_BSD = f"{_MONTH} [ 0-9][0-9] (?:[0-9]{{4}} )?{_CLOCK}"
_FULL = f"[A-Z][a-z]{{2}} [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} {_CLOCK} [A-Z]{{2,5}}"
_TAG = r"[^\s:\[\]\"]++(?:\[[^\s\]\"]*+\])?+: ?"
_SYSLOG = rf"{_PRI}(?:{_BSD}|{_ISO}|{_FULL}) (?:[^\s:\"]++ )?{_TAG}"
_DATA = r'(?:-|(?:\[(?:[^\]"\\]++|"(?:[^"\\]++|\\.)*+")*+\])++)'
_SYSLOG_5424 = rf"<[0-9]{{1,3}}>1 (?:{_ISO}|-) (?:[^\s\"]++ ){{4}}{_DATA} \ufeff?"
_CRI = f"{_ISO} std(?:out|err) F(?::[^ ]*+)?+ "
_KUBECTL = r"\[pod/[^\s\]]++\] "
_COLOUR = r"(?:\x1b\[[0-9;]*m)*+"
_COMPOSE = rf"{_COLOUR}[0-9A-Za-z][0-9A-Za-z_.-]*+ *+\| ?{_COLOUR} *+(?:{_ISO} )?+"
_PREFIX = f"^(?:{'|'.join([_SYSLOG_5424, _SYSLOG, _CRI, _COMPOSE, _KUBECTL, f'{_ISO} '])})"
_PART = f"^{_ISO} std(?:out|err) P(?::[^ ]*+)?+ "
_IN_JSON = ("log", "MESSAGE")
_OBJECT = r'^\{.*"(?:log|MESSAGE)"'


def without(line: Column) -> Column:
    """A line without its prefix, if it has one; null where its wrapping is broken."""
    found = F.from_json(line, ", ".join(f"{name} string" for name in _IN_JSON), STRICT)
    inner = F.coalesce(*(found[name] for name in _IN_JSON))
    inner = F.when(F.endswith(inner, F.lit("\n")), F.rtrim(inner, F.lit("\r\n"))).otherwise(inner)
    plain = F.regexp_replace(line, _PREFIX, "")
    return F.when(F.startswith(line, F.lit("{")) & line.rlike(_OBJECT), inner).otherwise(plain)


def is_part(line: Column) -> Column:
    """Whether a line is one of the pieces in which a container's log has a long line."""
    log = F.get_json_object(line, "$.log")
    in_json = F.startswith(line, F.lit("{")) & ~F.endswith(log, F.lit("\n"))
    return F.coalesce(in_json, F.lit(False)) | line.rlike(_PART)


def peeled(line: str) -> str:
    """What `without` is for columns; empty where a wrapping is broken."""
    if not line.startswith("{"):
        return python(_PREFIX).sub("", line, count=1)
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    inner = next((found[name] for name in _IN_JSON if isinstance(found.get(name), str)), "")
    return inner.rstrip("\r\n") if inner.endswith("\n") else inner
