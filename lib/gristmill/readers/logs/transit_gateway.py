"""Flow logs of transit gateways, as text or Parquet.

https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html. The first line of a file names its
columns, in any order and number; without it a line has those of the default format (version 6).
"""

import re

from gristmill.model.dataset import Field
from gristmill.readers.logs import flows
from gristmill.readers.logs.format import Cells, LogFormat

FIELDS = (
    Field("version", "int", "of the format: the highest of its fields"),
    Field("resource_type", "string", "TransitGateway or TransitGatewayAttachment"),
    Field("account_id", "string", "owner of the transit gateway"),
    Field("tgw_id", "string", "the transit gateway"),
    Field("tgw_attachment_id", "string", "the attachment"),
    Field("tgw_src_vpc_account_id", "string", "owner of the VPC of the source"),
    Field("tgw_dst_vpc_account_id", "string", "owner of the VPC of the destination"),
    Field("tgw_src_vpc_id", "string", "VPC of the source"),
    Field("tgw_dst_vpc_id", "string", "VPC of the destination"),
    Field("tgw_src_subnet_id", "string", "subnet of the source"),
    Field("tgw_dst_subnet_id", "string", "subnet of the destination"),
    Field("tgw_src_eni", "string", "network interface of the source's attachment"),
    Field("tgw_dst_eni", "string", "network interface of the destination's attachment"),
    Field("tgw_src_az_id", "string", "availability zone of the source's attachment"),
    Field("tgw_dst_az_id", "string", "availability zone of the destination's attachment"),
    Field("tgw_pair_attachment_id", "string", "the other attachment, by which it came or went"),
    Field("srcaddr", "string", "source address"),
    Field("dstaddr", "string", "destination address"),
    Field("srcport", "int", "source port"),
    Field("dstport", "int", "destination port"),
    Field("protocol", "int", "IANA protocol number: 6 TCP, 17 UDP, 1 ICMP"),
    Field("packets", "bigint", "how many packets"),
    Field("bytes", "bigint", "how many bytes"),
    Field("start", "timestamp", "first packet of the interval, UTC"),
    Field("end", "timestamp", "last packet of the interval, UTC"),
    Field("log_status", "string", "OK, NODATA or SKIPDATA"),
    Field("type", "string", "IPv4, IPv6 or EFA"),
    Field("packets_lost_no_route", "bigint", "packets lost as no route was there"),
    Field("packets_lost_blackhole", "bigint", "packets lost by a route that leads nowhere"),
    Field("packets_lost_mtu_exceeded", "bigint", "packets lost as they were too large"),
    Field("packets_lost_ttl_expired", "bigint", "packets lost as they went too far"),
    Field("tcp_flags", "int", "TCP flags, or-ed"),
    Field("region", "string", "the region"),
    Field("flow_direction", "string", "ingress or egress, as the transit gateway sees it"),
    Field("pkt_src_aws_service", "string", "AWS service of the source"),
    Field("pkt_dst_aws_service", "string", "AWS service of the destination"),
)

TRANSIT_GATEWAY_FLOWS = flows.dataset(
    "transit_gateway_flows",
    "One row for each flow through a transit gateway in an interval.",
    FIELDS,
)

ADDRESSES = ("srcaddr", "dstaddr")
VALUES = {
    **flows.VALUES,
    "resource_type": "[A-Za-z]+",
    "tgw_id": "tgw-[0-9a-z]+",
    "tgw_attachment_id": "tgw-attach-[0-9a-z]+",
    "tgw_pair_attachment_id": "tgw-attach-[0-9a-z]+",
    "tgw_src_vpc_account_id": "[0-9]{12}",
    "tgw_dst_vpc_account_id": "[0-9]{12}",
    "tgw_src_vpc_id": "vpc-[0-9a-z]+",
    "tgw_dst_vpc_id": "vpc-[0-9a-z]+",
}
_GATEWAYS = flows.Flows(
    FIELDS, default=len(FIELDS), addresses=ADDRESSES, values=VALUES, of_gateways=True
)


def _matches(line: str) -> bool:
    is_default = _LINE.match(line) is not None and len(line.split()) == len(FIELDS)
    return is_default or _GATEWAYS.header_of(line) is not None


_LINE = re.compile(r" *[0-9]+ +TransitGateway[A-Za-z]* +[0-9]{12} +tgw-")

FORMATS = (
    LogFormat(
        name="transit_gateway",
        help="flow logs of transit gateways, as text or Parquet",
        dataset=TRANSIT_GATEWAY_FLOWS,
        rejects=flows.REJECTS,
        matches=_matches,
        parse=_GATEWAYS.parse,
        header=_GATEWAYS.header_of,
        cells=Cells(_GATEWAYS.header_of_columns, _GATEWAYS.rows),
    ),
)
