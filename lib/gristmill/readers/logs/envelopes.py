r"""Lines that CloudWatch Logs wraps on their way to S3.

- An export writes a line as it was, behind the time at which it came in, to the millisecond:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html.
- A subscription, as through Firehose, writes objects that hold several each, `{"messageType":
  "DATA_MESSAGE", …, "logEvents":[{…,"message":"…"}]}`, on one line or behind each other:
  https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html. Those of the
  type CONTROL_MESSAGE only try whether anybody is there, and hold no line.

A line of an envelope stands where the envelope does. One that is broken goes on as it is, and is
rejected.
"""

import json
import re

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.readers.logs import json_text
from gristmill.readers.text.lines import ORIGIN, RAW

_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z "
_WRAPPED = r"(?s)^\s*+\{.*?\"messageType\"\s*+:\s*+\"(?:DATA|CONTROL)_MESSAGE\""
_EVENTS = "array<struct<messageType:string,logEvents:array<struct<message:string>>>>"
_CONTROL = "CWL CONTROL MESSAGE"
_MESSAGE = re.compile(r'"message"\s*:\s*("(?:[^"\\]|\\.)*")')


def is_wrapped(line: str) -> bool:
    """Whether a line is an object that holds others."""
    return re.match(_WRAPPED.replace("*+", "*"), line) is not None


def is_exported(line: str) -> bool:
    """Whether a line stands behind the time at which it came in."""
    return re.match(_TIME, line) is not None


def opened(text: str) -> str:
    """The lines in the start of a file, of whose last object there may be a part alone."""
    if not is_wrapped(first_line(text)):
        return text
    found = map(_said, _MESSAGE.findall(text))
    return "\n".join(message for message in found if not message.startswith(_CONTROL))


def _said(message: str) -> str:
    """What a string of JSON says; nothing where it is none."""
    try:
        return str(json.loads(message)).rstrip("\r\n")
    except ValueError:
        return ""


def first_line(text: str) -> str:
    """The first line that is not empty."""
    return text.lstrip("\ufeff\r\n").partition("\n")[0].rstrip("\r")


def bare(line: str) -> str:
    """A line without the time at which it came in."""
    return re.sub(_TIME, "", line)


def unwrapped(lines: DataFrame) -> DataFrame:
    """Lines with the columns of `ORIGIN`: those that were in objects, and all others."""
    listed = F.concat(F.lit("["), json_text.with_commas(F.col(RAW)), F.lit("]"))
    text = F.when(F.col(RAW).rlike(_WRAPPED), F.concat(F.lit('{"all":'), listed, F.lit("}")))
    read = json_text.with_object(lines, text, f"all {_EVENTS}")
    data = F.filter("_object.all", lambda one: one["messageType"] == "DATA_MESSAGE")
    messages = F.flatten(F.transform(data, lambda one: one["logEvents"]["message"]))
    held = F.transform(messages, _line)
    each = F.coalesce(held, F.array(RAW))
    return read.select(F.explode(each).alias(RAW), *(one for one in ORIGIN if one != RAW))


def _line(message: Column) -> Column:
    return F.coalesce(F.rtrim(message, F.lit("\r\n")), F.lit(""))


def without_times(lines: DataFrame) -> DataFrame:
    """Lines with the columns of `ORIGIN`, without the times at which they came in."""
    return lines.withColumn(RAW, F.regexp_replace(RAW, _TIME, "")).select(*ORIGIN)
