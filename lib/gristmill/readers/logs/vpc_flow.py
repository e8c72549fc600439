"""Flow logs of VPCs, as text or Parquet.

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

from gristmill.model.dataset import Field
from gristmill.readers.logs import flows
from gristmill.readers.logs.format import Cells, Header, LogFormat

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
VPC_FLOWS = flows.dataset(
    "vpc_flows", "One row for each flow between two addresses and ports in an interval.", FIELDS
)

REJECTS = flows.REJECTS
ADDRESSES = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr")
VALUES = {
    **flows.VALUES,
    "interface_id": "eni-[0-9a-z]+",
    "action": "ACCEPT|REJECT",
    "vpc_id": "vpc-[0-9a-z]+",
    "subnet_id": "subnet-[0-9a-z]+",
    "instance_id": "i-[0-9a-z]+",
}
_VPC = flows.Flows(FIELDS, default=14, addresses=ADDRESSES, values=VALUES)
NAMES = _VPC.columns.names
DEFAULT = _VPC.columns.without_header


def matches(line: str) -> bool:
    """Whether a line is a header of flow logs, or has the default columns."""
    is_default = _LINE.match(line) is not None and len(line.split()) == len(DEFAULT)
    return is_default or _VPC.header_of(line) is not None


def _by_kernel(lines: Sequence[bytes], header: Header | None) -> Any:
    from gristmill.readers.kernels import vpc_flow  # noqa: PLC0415 - polars need not be there

    return vpc_flow.parse(lines, header)


_LINE = re.compile(r" *[0-9]+ +(?:[0-9]{12}|unknown) +(?:eni-\S+|-) ")


FORMATS = (
    LogFormat(
        name="vpc_flow",
        help="VPC flow logs, as text or Parquet",
        dataset=VPC_FLOWS,
        rejects=REJECTS,
        matches=matches,
        parse=_VPC.parse,
        header=_VPC.header_of,
        kernel=_by_kernel,
        cells=Cells(_VPC.header_of_columns, _VPC.rows),
    ),
)
