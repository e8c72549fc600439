"""Flow logs of VPCs, as text.

https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html. The first line of a file
names its columns, in any order and number; without it a line has the fourteen of the default
format (version 2). Columns are named as in AWS's own Athena table,
https://docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-create-table-statement.html; those that
it does not have yet, as the fields are.

A record without data (NODATA, SKIPDATA) is a row with nulls. Its day is that of `start`; where the
columns were chosen without it, that of `end`.
"""

import re
from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Dataset, Field
from gristmill.readers.logs import columns as named
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.columns import Columns
from gristmill.readers.logs.format import SOURCE, Header, LogFormat
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

FIELDS = (
    Field("version", "int", "of the format: the highest of its fields"),
    Field("account_id", "string", "owner of the network interface; may be unknown"),
    Field("interface_id", "string", "the network interface"),
    Field("srcaddr", "string", "source address"),
    Field("dstaddr", "string", "destination address"),
    Field("srcport", "int", "source port"),
    Field("dstport", "int", "destination port"),
    Field("protocol", "int", "IANA protocol number: 6 TCP, 17 UDP, 1 ICMP"),
    Field("packets", "bigint", "how many packets"),
    Field("bytes", "bigint", "how many bytes"),
    Field("start", "timestamp", "first packet of the interval, UTC"),
    Field("end", "timestamp", "last packet of the interval, UTC"),
    Field("action", "string", "ACCEPT or REJECT"),
    Field("log_status", "string", "OK, NODATA or SKIPDATA"),
    Field("vpc_id", "string", "the VPC (version 3)"),
    Field("subnet_id", "string", "the subnet (version 3)"),
    Field("instance_id", "string", "the instance (version 3)"),
    Field("tcp_flags", "int", "TCP flags, or-ed (version 3)"),
    Field("type", "string", "IPv4, IPv6 or EFA (version 3)"),
    Field("pkt_srcaddr", "string", "source address in the packet (version 3)"),
    Field("pkt_dstaddr", "string", "destination address in the packet (version 3)"),
    Field("region", "string", "the region (version 4)"),
    Field("az_id", "string", "the availability zone (version 4)"),
    Field("sublocation_type", "string", "wavelength, outpost or localzone (version 4)"),
    Field("sublocation_id", "string", "the sublocation (version 4)"),
    Field("pkt_src_aws_service", "string", "AWS service of the source (version 5)"),
    Field("pkt_dst_aws_service", "string", "AWS service of the destination (version 5)"),
    Field("flow_direction", "string", "ingress or egress (version 5)"),
    Field("traffic_path", "int", "which way egress takes (version 5)"),
    Field("ecs_cluster_arn", "string", "ECS cluster (version 7)"),
    Field("ecs_cluster_name", "string", "its name (version 7)"),
    Field("ecs_container_instance_arn", "string", "ECS container instance (version 7)"),
    Field("ecs_container_instance_id", "string", "its id (version 7)"),
    Field("ecs_container_id", "string", "Docker id of the first container (version 7)"),
    Field("ecs_second_container_id", "string", "Docker id of the second (version 7)"),
    Field("ecs_service_name", "string", "ECS service (version 7)"),
    Field("ecs_task_definition_arn", "string", "ECS task definition (version 7)"),
    Field("ecs_task_arn", "string", "ECS task (version 7)"),
    Field("ecs_task_id", "string", "its id (version 7)"),
    Field("reject_reason", "string", "why it was rejected, such as BPA (version 8)"),
    Field("resource_id", "string", "of a regional NAT gateway (version 9)"),
    Field("encryption_status", "string", "whether it was encrypted (version 10)"),
)
_LAST_SECOND = 253402300799  # of the year 9999
_TIMES = ("start", "end")

VPC_FLOWS = Dataset(
    name="vpc_flows",
    help="One row for each flow between two addresses and ports in an interval.",
    fields=(*FIELDS, SOURCE, Field("date", "date", "day of start, or of end, UTC")),
    partitioned_by=("date",),
    write_mode="batch",
)

NAMES = {field.name.replace("_", "-"): field.name for field in FIELDS}
DEFAULT = tuple(NAMES)[:14]
_COLUMNS = Columns(
    separator=" ",
    names=NAMES,
    without_header=DEFAULT,
    versions=(len(DEFAULT),),
)


def parse(lines: DataFrame, header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `VPC_FLOWS`, or a reason why not."""
    pieces = named.pieces(_COLUMNS, header)
    times = {name: _time(pieces.get(name)) for name in _TIMES}
    # Single spaces part the fields, as a rule.
    spaced = F.when(F.contains(RAW, F.lit("  ")), F.regexp_replace(RAW, " ++", " "))
    line = F.trim(F.coalesce(spaced, RAW))
    timed = named.apart(lines, _COLUMNS, header, line).withColumns(times)
    return timed.select(
        *ORIGIN,
        _reason(pieces, header).alias(REASON),
        *(
            F.col(field.name) if field.name in times else named.value(pieces, field)
            for field in FIELDS
        ),
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date(F.coalesce("start", "end")).alias("date"),
    )


def _time(piece: Column | None) -> Column:
    if piece is None:
        return F.lit(None).cast("timestamp")
    seconds = log.number(piece, "bigint")
    return F.timestamp_seconds(F.when(seconds <= _LAST_SECOND, seconds))


def _reason(pieces: dict[str, Column], header: Header | None) -> Column:
    bad_times = [
        pieces[name].isNotNull() & F.col(name).isNull() for name in _TIMES if name in pieces
    ]
    nowhere = F.col("start").isNull() & F.col("end").isNull()
    known = F.size(F.array_intersect("_pieces", F.array(*map(F.lit, NAMES))))
    names = F.size(F.array_distinct("_pieces"))
    is_named = F.col(RAW).rlike(_HEADER) & (known > 1) & (2 * known > names)
    is_header = named.is_header(F.col("_pieces"), header)
    return log.reason(
        REJECTS,
        {
            "wrong_fields": named.has_wrong_fields(_COLUMNS, header),
            "bad_timestamp": log.any_of([*bad_times, nowhere]),
            "bad_number": named.has_bad_number(pieces, FIELDS),
            "bad_address": log.is_none_of(pieces, dict.fromkeys(ADDRESSES, values.ADDRESS)),
            "bad_value": log.is_none_of(pieces, VALUES),
        },
        skipped=F.when(is_named, is_header).otherwise(F.lit(False)),
    )


REJECTS = log.reasons(
    *("empty_line", "nul_byte", "wrong_fields", "bad_timestamp"),
    *("bad_number", "bad_address", "bad_value"),
)
ADDRESSES = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr")
_BYTE = "(?:-1|[0-9]{1,2}|1[0-9]{2}|2[0-4][0-9]|25[0-5])"
VALUES = {
    "version": "-1|[0-9]{1,2}",
    "account_id": "[0-9]{12}|unknown",
    "interface_id": "eni-[0-9a-z]+",
    "srcport": values.PORT,
    "dstport": values.PORT,
    "protocol": _BYTE,
    "action": "ACCEPT|REJECT",
    "log_status": "OK|NODATA|SKIPDATA",
    "vpc_id": "vpc-[0-9a-z]+",
    "subnet_id": "subnet-[0-9a-z]+",
    "instance_id": "i-[0-9a-z]+",
    "tcp_flags": _BYTE,
    "type": "IPv4|IPv6|EFA",
    "flow_direction": "ingress|egress",
}

# Names are small letters; what a record says of itself has digits, capitals or a dash alone.
_HEADER = r"^[a-z -]*+\z"


def header_of(line: str) -> Header | None:
    """The names of the columns, where a line gives them: more than one known, and most of them."""
    names = tuple(name for name in line.split(" ") if name)
    known = len(NAMES.keys() & set(names))
    is_header = re.fullmatch("[a-z -]*", line) and known > 1 and 2 * known > len(set(names))
    return names if is_header else None


def matches(line: str) -> bool:
    """Whether a line is a header of flow logs, or has the default columns."""
    is_default = _LINE.match(line) is not None and len(line.split()) == len(DEFAULT)
    return is_default or header_of(line) is not None


def _by_kernel(lines: Sequence[bytes], header: Header | None) -> Any:
    from gristmill.readers.kernels import vpc_flow  # noqa: PLC0415 - polars need not be there

    return vpc_flow.parse(lines, header)


_LINE = re.compile(r" *[0-9]+ +(?:[0-9]{12}|unknown) +(?:eni-\S+|-) ")


FORMATS = (
    LogFormat(
        name="vpc_flow",
        help="VPC flow logs, as text",
        dataset=VPC_FLOWS,
        rejects=REJECTS,
        matches=matches,
        parse=parse,
        header=header_of,
        kernel=_by_kernel,
    ),
)
