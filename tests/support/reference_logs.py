"""AWS's logs in plain Python, after AWS's specifications and docs/log-formats.md alone.

Each parser gives the row that a line becomes, by column; None where it has to be rejected, and
`SKIPPED` for headers and control lines. `source_file` is left out.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from tests.support.reference import is_address

Row = dict[str, Any]
SKIPPED: Final = "skipped"
Parsed = Row | str | None

WHITE = " \t\n\v\f\r"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _names(text: str) -> list[str]:
    return text.split()


class Malformed(Exception):  # noqa: N818
    """A line is not one of its format."""


def _or_none(parse: Callable[..., Parsed]) -> Callable[..., Parsed]:
    def safely(line: str, **more: Any) -> Parsed:
        if "\0" in line or not line.strip(WHITE):
            return None
        try:
            return parse(line, **more)
        except (Malformed, ValueError):
            return None

    return safely


def _text(value: str | None) -> str | None:
    return None if value in (None, "", "-") else value


def _number(value: str | None, largest: int = 2**63 - 1) -> int | None:
    if value in (None, "", "-", "-1"):
        return None
    if not re.fullmatch("[0-9]+", value or "") or int(value or "") > largest:
        raise Malformed
    return int(value or "")


def _int(value: str | None) -> int | None:
    return _number(value, 2**31 - 1)


def _seconds(value: str | None) -> float | None:
    if value in (None, "", "-", "-1"):
        return None
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value or ""):
        raise Malformed
    return float(value or "")


def _status(value: str | None) -> int | None:
    if value in (None, "", "-"):
        return None
    if not re.fullmatch("[1-5][0-9]{2}", value or ""):
        raise Malformed
    return int(value or "")


def _check(row: Row, rules: Mapping[str, str | Callable[[str], bool]]) -> None:
    """Hold each value that there is against what its column can hold."""
    for name, rule in rules.items():
        value = row[name]
        if value is not None:
            text = str(value)
            if not (re.fullmatch(rule, text) if isinstance(rule, str) else rule(text)):
                raise Malformed


def _is_port(value: str) -> bool:
    return int(value) <= 65535


def _is_byte(value: str) -> bool:
    return int(value) <= 255


_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HTTP = r"HTTP/[0-9](\.[0-9])?"
_TLS = r"(TLS|SSL)v[0-9](\.[0-9])?"


def _iso(value: str | None) -> datetime:
    shape = r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?Z?"
    found = re.fullmatch(shape, value or "")
    if not found:
        raise Malformed
    micros = int((found[3] or ".")[1:7].ljust(6, "0"))
    whole = datetime.strptime(f"{found[1]} {found[2]}", "%Y-%m-%d %H:%M:%S")
    if whole.second != int(found[2][-2:]):
        raise Malformed
    return whole.replace(microsecond=micros, tzinfo=UTC)


class Scanner:
    """Takes the fields of a line one after the other."""

    def __init__(self, line: str) -> None:
        self.line, self.at = line, 0

    @property
    def is_done(self) -> bool:
        return self.at == len(self.line)

    def expect(self, text: str) -> None:
        if not self.line.startswith(text, self.at):
            raise Malformed
        self.at += len(text)

    def bare(self) -> str:
        start = self.at
        while not self.is_done and self.line[self.at] not in WHITE + '"':
            self.at += 1
        if self.at == start:
            raise Malformed
        return self.line[start : self.at]

    def bares(self, count: int) -> list[str]:
        found = []
        for _ in range(count):
            found.append(self.bare())
            self.expect(" ")
        return found

    def quoted(self, ends: Callable[[str], bool]) -> str:
        """What is in quotes, up to the first quote of which `ends(rest of the line)` holds."""
        self.expect('"')
        for place in (m.start() for m in re.finditer('"', self.line)):
            if place >= self.at and ends(self.line[place + 1 : place + 100_000]):
                value, self.at = self.line[self.at : place], place + 1
                return value
        raise Malformed

    def field(self) -> str:
        """A field that is quoted or bare."""
        if self.line.startswith('"', self.at):
            return self.quoted(lambda rest: rest[:1] in ("", " "))
        return self.bare()


def _follow(rest: str, count: int) -> bool:
    """Whether so many bare fields follow, and then one that is quoted or a dash."""
    scanner = Scanner(rest)
    try:
        scanner.expect(" ")
        scanner.bares(count)
    except Malformed:
        return False
    return rest[scanner.at : scanner.at + 1] in ('"', "-")


S3_NUMBERS = ("bytes_sent", "object_size", "total_time", "turn_around_time")
S3_COLUMNS = _names(
    "bucket_owner bucket_name request_datetime remote_ip requester request_id operation key "
    "request_uri http_status error_code bytes_sent object_size total_time turn_around_time "
    "referrer user_agent version_id host_id sigv cipher_suite auth_type endpoint tls_version "
    "access_point_arn acl_required"
)


S3_RULES: dict[str, str | Callable[[str], bool]] = {
    "remote_ip": is_address,
    "bucket_owner": "[0-9A-Za-z]+",
    "bucket_name": "[0-9A-Za-z._-]+",
    "request_id": "[0-9A-Za-z]+",
    "error_code": "[A-Za-z][0-9A-Za-z.]*",
    "sigv": "SigV[0-9][0-9A-Z]*",
    "auth_type": "[A-Za-z]+",
    "tls_version": _TLS,
    "acl_required": "Yes",
}


@_or_none
def s3_access(line: str) -> Parsed:
    """A line of S3's server access logs."""
    line = line.rstrip(" ")
    scanner = Scanner(line)
    values = scanner.bares(2)
    scanner.expect("[")
    end = line.find("]", scanner.at)
    values.append(line[scanner.at : end])
    scanner.at = end
    scanner.expect("] ")
    values += scanner.bares(1)
    identity = re.compile(
        r"arn:aws[a-z-]*:iam::cloudfront:user/CloudFront Origin Access Identity [0-9A-Z]+"
    ).match(line, scanner.at)
    if identity and line.startswith(" ", identity.end()):
        values.append(identity[0])
        scanner.at = identity.end() + 1
    else:
        values += scanner.bares(1)
    values += scanner.bares(3)
    if not re.fullmatch(r"(REST|SOAP|WEBSITE|BATCH|S3)\.[0-9A-Za-z_.]+", values[-2]):
        raise Malformed
    values.append(_s3_quoted(scanner, lambda rest: _follow(rest, 6)))
    values += scanner.bares(6)
    values.append(_s3_quoted(scanner, lambda rest: rest[:2] in (' "', " -")))
    # No field that comes after the user agent has quotes.
    values.append(_s3_quoted(scanner, lambda rest: '"' not in rest))
    values.append(scanner.bare())
    while not scanner.is_done:
        scanner.expect(" ")
        values.append(scanner.bare())
    pieces = dict(zip(S3_COLUMNS, values, strict=False))
    row: Row = {name: _text(pieces.get(name)) for name in S3_COLUMNS}
    row |= {name: _number(row[name]) for name in S3_NUMBERS}
    row["http_status"] = _status(row["http_status"])
    row["request_datetime"] = at = _clf_time(values[2])
    _check(row, S3_RULES)
    return row | {"date": at.date()}


def _s3_quoted(scanner: Scanner, ends: Callable[[str], bool]) -> str:
    if scanner.line.startswith('"', scanner.at):
        value = scanner.quoted(ends)
    else:
        scanner.expect(value := "-")
    scanner.expect(" ")
    return value


def _clf_time(text: str) -> datetime:
    shape = r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"
    found = re.fullmatch(shape, text, re.ASCII)
    if not found or int(found[9]) > 59:
        raise Malformed
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    if offset > timedelta(hours=18):
        raise Malformed
    day, year, hour, minute, second = (int(found[n]) for n in (1, 3, 4, 5, 6))
    zone = timezone(offset if found[7] == "+" else -offset)
    month = MONTHS.index(found[2]) + 1
    return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)


ALB_REST = _names(
    "ssl_cipher ssl_protocol target_group_arn trace_id domain_name chosen_cert_arn "
    "matched_rule_priority request_creation_time actions_executed redirect_url "
    "lambda_error_reason target_port_list target_status_code_list classification "
    "classification_reason conn_trace_id transformed_host transformed_uri "
    "request_transform_status"
)


ALB_RULES: dict[str, str | Callable[[str], bool]] = {
    "elb": "app/[0-9A-Za-z-]+/[0-9a-f]+",
    "client_ip": is_address,
    "target_ip": is_address,
    "client_port": _is_port,
    "target_port": _is_port,
    "ssl_protocol": _TLS,
    "target_group_arn": "arn:.+",
    "classification": "Acceptable|Ambiguous|Severe",
}


@_or_none
def alb(line: str) -> Parsed:
    """A line of an Application Load Balancer."""
    if re.match("Enable [A-Za-z]+ for ELB", line):
        return SKIPPED
    scanner = Scanner(line.rstrip(" "))
    kind, time, elb, client, target, *numbers = scanner.bares(12)
    request = scanner.quoted(lambda rest: rest.startswith(' "'))
    scanner.expect(" ")
    agent = scanner.quoted(lambda rest: _follow(rest, 3))
    scanner.expect(" ")
    rest = [*scanner.bares(3), scanner.field()]
    in_quotes = set()
    while not scanner.is_done:
        scanner.expect(" ")
        if scanner.line.startswith('"', scanner.at):
            in_quotes.add(len(rest))
        rest.append(scanner.field())
    row: Row = dict.fromkeys(ALB_REST)
    row |= {name: _text(value) for name, value in zip(ALB_REST, rest, strict=False)}
    bare = ("matched_rule_priority", "request_creation_time")
    if any(ALB_REST.index(name) in in_quotes for name in bare):
        raise Malformed
    row["matched_rule_priority"] = _int(row["matched_rule_priority"])
    created = row["request_creation_time"]
    row["request_creation_time"] = None if created is None else _iso(created)
    client_ip, client_port = _address(client)
    target_ip, target_port = _address(target)
    verb, url, protocol = _request(request.rstrip(" "))
    at = _iso(time)
    row |= {
        "type": kind,
        "time": at,
        "elb": _text(elb),
        "client_ip": client_ip,
        "client_port": client_port,
        "target_ip": target_ip,
        "target_port": target_port,
        "request_processing_time": _seconds(numbers[0]),
        "target_processing_time": _seconds(numbers[1]),
        "response_processing_time": _seconds(numbers[2]),
        "elb_status_code": _status(numbers[3]),
        "target_status_code": _status(numbers[4]),
        "received_bytes": _number(numbers[5]),
        "sent_bytes": _number(numbers[6]),
        "request_verb": verb,
        "request_url": url,
        "request_proto": protocol,
        "user_agent": _text(agent),
        "date": at.date(),
    }
    _check(row, ALB_RULES)
    return row


def _address(text: str) -> tuple[str | None, int | None]:
    if text == "-":
        return None, None
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and re.fullmatch("[0-9]+", port)) or set(host) & set("[]"):
        raise Malformed
    return _text(host), _int(port)


def _request(text: str) -> tuple[str | None, str | None, str | None]:
    found = re.fullmatch(rf"({_TOKEN}) (.*) ({_HTTP}|-)", text, re.ASCII | re.DOTALL)
    return (_text(found[1]), _text(found[2]), _text(found[3])) if found else (None, None, None)


CLOUDFRONT = _names(
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header "
    "cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "
    "x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port "
    "time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)


CLOUDFRONT_RULES: dict[str, str | Callable[[str], bool]] = {
    "c_ip": is_address,
    "x_edge_location": "[0-9A-Z]+(-[0-9A-Z]+)*",
    "cs_method": _TOKEN,
    "cs_protocol": "https?|wss?|grpcs?",
    "ssl_protocol": _TLS,
    "cs_protocol_version": _HTTP,
    "c_port": _is_port,
}


@_or_none
def cloudfront(line: str, header: Sequence[str] | None = None) -> Parsed:
    """A line of CloudFront's standard logs, in a file with that header."""
    if line.startswith("#"):
        return SKIPPED
    values = line.split("\t")
    right = (len(header),) if header else (24, 26, 33)
    # AWS's own example has a line that ends with a tab.
    if len(values) - 1 in right and not values[-1]:
        values.pop()
    if len(values) not in right:
        raise Malformed
    found = {name: _text(value) for name, value in zip(header or CLOUDFRONT, values, strict=False)}
    whole = {name: found.get(name) for name in CLOUDFRONT}
    row: Row = {re.sub("[-()]", "_", name).rstrip("_"): v for name, v in whole.items()}
    row = {name.lower().replace("referer", "referrer"): value for name, value in row.items()}
    for name in ("sc_bytes", "cs_bytes", "sc_content_len", "sc_range_start", "sc_range_end"):
        row[name] = _number(row[name])
    for name in ("fle_encrypted_fields", "c_port"):
        row[name] = _int(row[name])
    for name in ("time_taken", "time_to_first_byte"):
        row[name] = _seconds(row[name])
    row["sc_status"] = 0 if row["sc_status"] == "000" else _status(row["sc_status"])
    _check(row, CLOUDFRONT_RULES)
    row["cs_user_agent"] = _agent(row["cs_user_agent"])
    if "timestamp(ms)" in found and not {"date", "time"} <= found.keys():
        since = _number(found["timestamp(ms)"])
        if since is None:
            raise Malformed
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=since)
    else:
        at = _iso(f"{found.get('date')} {found.get('time')}")
    return row | {"timestamp": at, "date": at.date()}


def _agent(text: str | None) -> str | None:
    once = _unescaped(text) if text else text
    return _unescaped(once) if once and "%20" in once and " " not in once else once


def _unescaped(text: str) -> str:
    if re.search("%(?![0-9a-fA-F]{2})", text):
        return text
    return unquote_to_bytes(text).decode("utf-8", errors="replace")


VPC = _names(
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr "
    "region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service "
    "flow-direction traffic-path ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn "
    "ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name "
    "ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id encryption-status"
)
VPC_INTS = ("version", "srcport", "dstport", "protocol", "tcp-flags", "traffic-path")


VPC_RULES: dict[str, str | Callable[[str], bool]] = {
    "version": "[0-9]{1,2}",
    "account-id": "[0-9]{12}|unknown",
    "interface-id": "eni-[0-9a-z]+",
    **dict.fromkeys(("srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"), is_address),
    **dict.fromkeys(("srcport", "dstport"), _is_port),
    **dict.fromkeys(("protocol", "tcp-flags"), _is_byte),
    "action": "ACCEPT|REJECT",
    "log-status": "OK|NODATA|SKIPDATA",
    "vpc-id": "vpc-[0-9a-z]+",
    "subnet-id": "subnet-[0-9a-z]+",
    "instance-id": "i-[0-9a-z]+",
    "type": "IPv4|IPv6|EFA",
    "flow-direction": "ingress|egress",
}


@_or_none
def vpc_flow(line: str, header: Sequence[str] | None = None) -> Parsed:
    """A record of VPC flow logs, in a file with that header."""
    values = [value for value in line.split(" ") if value]
    if header and values == list(header):
        return SKIPPED
    names = header or VPC[:14]
    if len(values) != len(names):
        raise Malformed
    found = {name: _text(value) for name, value in zip(names, values, strict=True)}
    whole: Row = {name: found.get(name) for name in VPC}
    whole |= {name: _int(whole[name]) for name in VPC_INTS}
    whole |= {name: _number(whole[name]) for name in ("packets", "bytes")}
    whole |= {name: _since_1970(whole[name]) for name in ("start", "end")}
    at: datetime | None = whole["start"] or whole["end"]
    if at is None:
        raise Malformed
    _check(whole, VPC_RULES)
    return {name.replace("-", "_"): v for name, v in whole.items()} | {"date": at.date()}


def _since_1970(text: str | None) -> datetime | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]+", text) or int(text) > 253402300799:
        raise Malformed
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(text))


CLOUDTRAIL = _names(
    "eventVersion userIdentity eventTime eventSource eventName awsRegion sourceIPAddress userAgent "
    "errorCode errorMessage requestParameters responseElements additionalEventData requestID "
    "eventID resources eventType apiVersion readOnly recipientAccountId serviceEventDetails "
    "sharedEventID vpcEndpointId vpcEndpointAccountId managementEvent eventCategory addendum "
    "sessionCredentialFromConsole edgeDeviceDetails tlsDetails insightDetails"
)


class Written(str):
    """A number of JSON, as it is written."""

    __slots__ = ()


Pairs = tuple[tuple[str, Any], ...]


def as_json(text: str) -> Any:
    """JSON with objects as tuples of pairs, and numbers as they are written."""

    def refuse(_name: str) -> None:
        raise ValueError

    return json.loads(
        text,
        parse_float=Written,
        parse_int=Written,
        parse_constant=refuse,
        object_pairs_hook=tuple,
    )


def cloudtrail(line: str) -> list[Parsed]:
    """The events of a line of CloudTrail; nested parts are as `as_json` gives them."""
    try:
        whole = as_json(line) if "\0" not in line else None
    except (ValueError, RecursionError):
        return [None]
    if isinstance(whole, tuple) and whole and whole[0][0] == "Records":
        events = dict(whole)["Records"]
        if isinstance(events, list):
            return [_event(event) for event in events] or [SKIPPED]
    return [_event(whole)]


def _event(event: Any) -> Parsed:
    if not isinstance(event, tuple):
        return None
    found = dict(event)
    if found.get("eventTime") is None and found.get("digestStartTime") is not None:
        return SKIPPED
    row = {_snake(key): _as_text(found.get(key)) for key in CLOUDTRAIL}
    for name in ("read_only", "management_event"):
        row[name] = {"true": True, "false": False}.get(str(row[name]))
    try:
        row["event_time"] = at = _iso(row["event_time"])
    except (Malformed, TypeError, ValueError):
        return None
    return row | {"date": at.date()}


def _snake(key: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", key).replace("IPA", "ip_a").lower()


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str) else value
