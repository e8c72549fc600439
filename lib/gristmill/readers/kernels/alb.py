"""Access logs of load balancers by polars: the lines of `alb` with 29, 30 or 33 fields.

Others, those with quotes inside of quotes or spaces in a URL, and all that is odd, are left.
"""

from collections.abc import Sequence

import polars as pl

from gristmill.readers.kernels import cells
from gristmill.readers.kernels.text import apart, with_quotes
from gristmill.readers.logs import alb, values
from gristmill.readers.logs.format import Header

_START = (
    *("type", "time", "elb", "_client", "_target", "request_processing_time"),
    *("target_processing_time", "response_processing_time", "elb_status_code"),
    *("target_status_code", "received_bytes", "sent_bytes"),
)
_MIDDLE = ("ssl_cipher", "ssl_protocol", "target_group_arn")
_RULE = ("matched_rule_priority", "request_creation_time")
# What stands between quotes, and what between those; all that is one space is called `_space`.
_PIECES = (
    *("_start", "_request", "_space", "user_agent", "_middle", "trace_id", "_space", "domain_name"),
    *("_space", "chosen_cert_arn", "_rule", "actions_executed", "_space", "redirect_url", "_space"),
    *("lambda_error_reason", "_space", "target_port_list", "_space", "target_status_code_list"),
    *("_space", "classification", "_space", "classification_reason", "_connection"),
    *(
        "transformed_host",
        "_space",
        "transformed_uri",
        "_space",
        "request_transform_status",
        "_end",
    ),
)
_NAMES = [f"{name}{at}" if name == "_space" else name for at, name in enumerate(_PIECES)]
_LAST = "transformed_host"  # the first of those that only the longest lines have
_TIME = r"^[12][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{1,6}Z$"
_ADDRESS = r'^\[?(?<ip>[^\s"\[\]]+)\]?:(?<port>[0-9]+)$'
_METHOD, _PROTOCOL = f"^(?:{values.METHOD.replace('++', '+')})$", f"^(?:{values.PROTOCOL}|-)$"
_RULES = {
    **dict.fromkeys(("elb_status_code", "target_status_code"), "[1-5][0-9][0-9]"),
    **dict.fromkeys(alb.ADDRESSES, values.ADDRESS),
    **alb.VALUES,
}


def parse(lines: Sequence[bytes], _header: Header | None) -> pl.DataFrame:
    """Lines without their ends to rows of `alb.ALB_REQUESTS` without `source_file`, as
    `model.job.ParseLines` has it."""
    pieces = _of_their_length(apart(with_quotes(lines), "line", '"', (*_NAMES, "_more")))
    pieces = _bare(pieces, "_start", _START, is_first=True)
    pieces = _bare(pieces, "_middle", _MIDDLE)
    pieces = _bare(pieces, "_rule", _RULE)
    pieces = pieces.filter(pl.col("type") != "-", pl.col("time") != "-")
    for name in ("time", "request_creation_time"):
        pieces = _timed(pieces, name)
    pieces = _address(_address(pieces, "client"), "target")
    pieces = _request(pieces)
    return cells.rows(pieces, alb.FIELDS, _RULES, "time")


def _of_their_length(pieces: pl.DataFrame) -> pl.DataFrame:
    """Lines that end behind a field with which a version of the format ends, with single spaces
    between quotes, and `conn_trace_id`."""
    connection = pl.col("_connection")
    id_ = connection.str.strip_chars(" ")
    is_short = pl.col(_LAST).is_null()
    before = pl.concat_str(pl.lit(" "), id_)
    short = (connection == "") | (connection == before)
    long = (pl.col("_end") == "") & (connection == pl.concat_str(before, pl.lit(" ")))
    ends = pl.when(is_short).then(short).otherwise(long)
    late = _NAMES.index(_LAST)
    spaces = [name for name in _NAMES if name.startswith("_space")]
    single = [
        (pl.col(name) == " ") | (is_short if _NAMES.index(name) > late else pl.lit(value=False))
        for name in spaces
    ]
    is_one = ~id_.str.contains(" ", literal=True) & ((id_ != "") | (connection == ""))
    found = pieces.filter(pl.col("_more").is_null(), ends, is_one, *single)
    return found.with_columns(id_.alias("conn_trace_id")).drop(spaces)


def _bare(
    pieces: pl.DataFrame, name: str, names: Sequence[str], *, is_first: bool = False
) -> pl.DataFrame:
    """Fields between single spaces in place of a piece that has them, and one at its ends."""
    before = () if is_first else ("_before",)
    found = apart(pieces, name, " ", (*before, *names, "_behind", "_more_of_it"))
    found = found.filter(pl.col("_behind") == "", pl.col("_more_of_it").is_null())
    found = found.filter(pl.all_horizontal(pl.col(one) != "" for one in names))
    if before:
        found = found.filter(pl.col("_before") == "")
    return found.drop(*before, "_behind", "_more_of_it")


def _timed(pieces: pl.DataFrame, name: str) -> pl.DataFrame:
    """Times in place of how they are written, null where that is `-`."""
    written = pl.col(name)
    read = written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", strict=False, time_unit="us")
    found = pieces.filter(
        (written == "-") | (written.str.contains(_TIME) & read.is_not_null()),
    )
    return found.with_columns(read.dt.replace_time_zone("UTC").alias(name))


def _address(pieces: pl.DataFrame, of: str) -> pl.DataFrame:
    """Address and port in place of both; `-` for both where there is none."""
    whole, groups = pl.col(f"_{of}"), pl.col(f"_{of}").str.extract_groups(_ADDRESS).struct
    found = pieces.with_columns(
        pl.when(whole == "-").then(pl.lit("-")).otherwise(groups.field("ip")).alias(f"{of}_ip"),
        pl.when(whole == "-").then(pl.lit("-")).otherwise(groups.field("port")).alias(f"{of}_port"),
    )
    return found.filter(pl.col(f"{of}_ip").is_not_null())


def _request(pieces: pl.DataFrame) -> pl.DataFrame:
    """What the request is made of; `-` where it is not HTTP's. Left where it has more spaces."""
    names = ("request_verb", "request_url", "request_proto")
    request = pl.col("_request").str.strip_chars_end(" ")
    found = apart(pieces.with_columns(request), "_request", " ", (*names, "_more_spaces"))
    found = found.filter(pl.col("_more_spaces").is_null())
    verb, _, protocol = map(pl.col, names)
    is_http = protocol.is_not_null() & verb.str.contains(_METHOD) & protocol.str.contains(_PROTOCOL)
    return found.with_columns(
        pl.when(is_http).then(pl.col(name)).otherwise(pl.lit("-")).alias(name) for name in names
    )
