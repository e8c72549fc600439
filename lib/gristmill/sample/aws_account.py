"""Flow logs and CloudTrail events of the account that runs the invented shop."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from gristmill.sample.aws_web import address
from gristmill.sample.draw import Weighted, below, chance, hexes, pick
from gristmill.sample.shop import Request

_ACCOUNT = "111122223333"
_REGION = "eu-central-1"
_INTERFACES = [f"eni-0{'abcdef'[n % 6] * 8}{n:08x}" for n in range(12)]
_PORTS = Weighted({443: 70, 80: 12, 5432: 10, 53: 5, 22: 2, 3389: 1})

FLOW_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status vpc-id subnet-id tcp-flags flow-direction\n"
)


def flow(rng: Random, request: Request, moment: datetime) -> str:
    """Of the packets of a request, or those of a scanner; some intervals had none."""
    start = int((moment - datetime(1970, 1, 1)).total_seconds())
    interface = pick(rng, _INTERFACES)
    times = f"{start} {start + 20 + below(rng, 40)}"
    place = f"vpc-0a1b2c3d4e5f60718 subnet-0{hexes(rng, 1)}00000000000000a"
    if chance(rng, 1 / 40):
        state = "SKIPDATA" if chance(rng, 1 / 20) else "NODATA"
        return f"5 {_ACCOUNT} {interface} - - - - - - - {times} - {state} {place} - -"
    inside, outside = f"10.0.{below(rng, 3)}.{10 + below(rng, 200)}", address(request.host)
    if ":" in outside:
        inside = f"2001:db8:aa:{below(rng, 3)}::{10 + below(rng, 200):x}"
    port, high = _PORTS.draw(rng), 1024 + below(rng, 60_000)
    protocol = 17 if port == 53 else 6
    packets = 1 + below(rng, 60)
    action = "REJECT" if port in {22, 3389} or chance(rng, 1 / 50) else "ACCEPT"
    ends, way = f"{outside} {inside} {high} {port}", "ingress"
    if chance(rng, 0.5):
        ends, way = f"{inside} {outside} {port} {high}", "egress"
    flags = pick(rng, (2, 3, 18, 19)) if protocol == 6 else 0
    return (
        f"5 {_ACCOUNT} {interface} {ends} {protocol} {packets} {packets * (40 + below(rng, 1400))} "
        f"{times} {action} OK {place} {flags} {way}"
    )


def event(rng: Random, request: Request, moment: datetime) -> str:
    """Of a call to an API of AWS: by the shop's servers, by its people, or by AWS itself."""
    # In JSON, with AWS's order of the keys.
    made = _CALLS.draw(rng)
    who = _who(rng, request, moment)
    fails = made != "sts" and chance(rng, 1 / 25)
    if made == "sts":
        who = {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    source, name, parameters, answer, more = _call(rng, made, request)
    found = {
        "eventVersion": "1.09",
        "userIdentity": who,
        "eventTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": source,
        "eventName": name,
        "awsRegion": _REGION,
        "sourceIPAddress": who.get("invokedBy") or address(request.host),
        "userAgent": who.get("invokedBy") or request.agent,
        **({"errorCode": "AccessDenied", "errorMessage": f"no: {name}"} if fails else {}),
        "requestParameters": parameters,
        "responseElements": None if fails else answer,
        **more,
        "requestID": _uuid(rng),
        "eventID": _uuid(rng),
        "readOnly": name.startswith(("Get", "Describe", "List", "Assume")),
        "eventType": "AwsConsoleSignIn" if name == "ConsoleLogin" else "AwsApiCall",
        "managementEvent": "resources" not in more,
        "recipientAccountId": _ACCOUNT,
        "eventCategory": "Data" if "resources" in more else "Management",
    }
    if source != "signin.amazonaws.com" and "invokedBy" not in who:
        host = f"{source.partition('.')[0]}.{_REGION}.amazonaws.com"
        found["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": host,
        }
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


_CALLS = Weighted({"get": 45, "put": 15, "describe": 20, "sts": 12, "list": 6, "login": 2})


def _who(rng: Random, request: Request, moment: datetime) -> dict[str, Any]:
    if request.user != "-":
        name = request.user
        return {
            "type": "IAMUser",
            "principalId": f"AIDA{hexes(rng, 16).upper()}",
            "arn": f"arn:aws:iam::{_ACCOUNT}:user/{name}",
            "accountId": _ACCOUNT,
            "userName": name,
        }
    began = moment - timedelta(minutes=below(rng, 60))
    role = f"AROA{hexes(rng, 16).upper()}"
    session = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": role,
            "arn": f"arn:aws:iam::{_ACCOUNT}:role/shop-web",
            "accountId": _ACCOUNT,
            "userName": "shop-web",
        },
        "attributes": {"creationDate": f"{began:%Y-%m-%dT%H:%M:%SZ}", "mfaAuthenticated": "false"},
    }
    return {
        "type": "AssumedRole",
        "principalId": f"{role}:shop",
        "arn": f"arn:aws:sts::{_ACCOUNT}:assumed-role/shop-web/shop",
        "accountId": _ACCOUNT,
        "accessKeyId": f"ASIA{hexes(rng, 16).upper()}",
        "sessionContext": session,
    }


_Call = tuple[str, str, Mapping[str, Any] | None, Mapping[str, Any] | None, dict[str, Any]]


def _call(rng: Random, made: str, request: Request) -> _Call:
    """Service, action, what was asked, what was answered, and keys that only it has."""
    if made in {"get", "put"}:
        key = request.line.split(" ")[1:2] or ["/"]
        resources = [
            {"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::shop-assets{key[0]}"},
            {"accountId": _ACCOUNT, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::shop-assets"},
        ]
        asked = {"bucketName": "shop-assets", "key": key[0].lstrip("/"), "Host": "s3"}
        more = {"bytesTransferredIn": 0, "bytesTransferredOut": below(rng, 900_000)}
        name = "GetObject" if made == "get" else "PutObject"
        extra = {"additionalEventData": more, "resources": resources}
        return "s3.amazonaws.com", name, asked, None, extra
    if made == "describe":
        some = [{"instanceId": f"i-0{hexes(rng, 16)}"} for _ in range(1 + below(rng, 4))]
        found = {"instancesSet": {"items": some}, "filterSet": {}}
        return "ec2.amazonaws.com", "DescribeInstances", found, None, {}
    if made == "sts":
        asked = {"roleArn": f"arn:aws:iam::{_ACCOUNT}:role/shop-web", "roleSessionName": "shop"}
        answer = {"credentials": {"accessKeyId": f"ASIA{hexes(rng, 16).upper()}"}}
        return "sts.amazonaws.com", "AssumeRole", asked, answer, {"sharedEventID": _uuid(rng)}
    if made == "list":
        return "iam.amazonaws.com", "ListRoles", None, None, {}
    login = {"ConsoleLogin": "Success"}
    return "signin.amazonaws.com", "ConsoleLogin", None, login, {}


def _uuid(rng: Random) -> str:
    return "-".join(hexes(rng, digits) for digits in (8, 4, 4, 4, 12))


def _renamed(line: str) -> str:
    return line.replace('"eventTime"', '"eventTyme"')


def _month(line: str) -> str:
    return line.replace('"eventTime":"2026-10', '"eventTime":"2026-13')


def _cut(line: str) -> str:
    return line[: len(line) * 3 // 5]


def _word(line: str) -> str:
    """A word where a number is due."""
    return re.sub(r" (6|17) ", " tcp ", line, count=1)


def _no_time(line: str) -> str:
    return re.sub(r" \d{10} \d{10} ", " - - ", line)


def _empty(_: str) -> str:
    return ""


# In a document of JSON no event can be cut off without the others.
EVENT_FAULTS = (_renamed, _month)
FLOW_FAULTS = (_cut, _word, _no_time, _empty)
