"""Lines of S3, load balancer and CloudFront logs for requests to the invented shop."""

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from random import Random
from urllib.parse import quote

from gristmill.sample.draw import Weighted, below, chance, hexes, pick
from gristmill.sample.shop import Request

_OWNER = "7d1f0c8e" * 8
_ALB = "app/shop/50dc6c495c0c9188"
_GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/shop/943f017f100becff"
_CERTIFICATE = (
    "arn:aws:acm:eu-central-1:111122223333:certificate/0b1c2d3e-aaaa-bbbb-cccc-112233445566"
)
_CIPHERS = ("TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256")
_EDGES = ("FRA56-P4", "CDG52-C1", "AMS1-P2", "HAM50-C3")
_BUCKET_STATUS = Weighted({200: 80, 304: 10, 404: 6, 403: 3, 500: 1})
_BUCKET_ERRORS = {404: "NoSuchKey", 403: "AccessDenied", 500: "InternalError"}
_RESULTS = Weighted({"Hit": 70, "RefreshHit": 6, "Miss": 24})
_NO_VIEWER = "000"


def address(host: str) -> str:
    """The address of a client, where the shop's own log has its name."""
    name = re.match(r"dsl-(\d+)", host)
    return f"203.0.113.{int(name[1]) % 254 + 1}" if name else host


def s3(rng: Random, request: Request, moment: datetime) -> str:
    """Of a request for a file of the shop, or of what S3 did by itself."""
    head = f"{_OWNER} shop-assets [{moment:%d}/Oct/{moment:%Y:%H:%M:%S} +0000]"
    number, host = hexes(rng, 16).upper(), f"{hexes(rng, 42)}="
    kind = rng.random()
    if kind < 0.03:
        # As batch operations and lifecycle rules are logged: without quotes.
        is_batch = kind < 0.02
        operation = "BATCH.DELETE.OBJECT" if is_batch else "S3.EXPIRE.OBJECT"
        who = f"{address(request.host)} {_ROLE}" if is_batch else "- AmazonS3"
        done = "204" if is_batch else "-"
        key = f"tmp/{hexes(rng, 8)}"
        rest = f"- {done} - - {below(rng, 90_000)} - - - - - {host} SigV4 {_CIPHERS[0]} AuthHeader"
        return f"{head} {who} {number} {operation} {key} {rest} {_S3_HOST} TLSv1.3 - -"
    method, target = _asked(request)
    key = quote(target.partition("?")[0].lstrip("/")) or "-"
    status = _BUCKET_STATUS.draw(rng)
    size = 40 + below(rng, 900_000)
    whole = f"{243 if status >= 400 else size} {'-' if status >= 400 else size}"
    sent = whole if status != HTTPStatus.NOT_MODIFIED else f"- {size}"
    total = 4 + below(rng, 200)
    # S3 does not escape quotes.
    agent = request.agent.replace("\\", "")
    who, auth = ("-", "- {} -") if request.user == "-" else (_ROLE, "SigV4 {} AuthHeader")
    return (
        f"{head} {address(request.host)} {who} {number} REST.{method}.OBJECT {key} "
        f'"{method} /{quote(key)} HTTP/1.1" {status} {_BUCKET_ERRORS.get(status, "-")} {sent} '
        f'{total} {total - 1 - below(rng, 3)} "{request.referer}" "{agent}" - {host} '
        f"{auth.format(pick(rng, _CIPHERS))} {_S3_HOST} TLSv1.3 - -"
    )


_ROLE = "arn:aws:sts::111122223333:assumed-role/shop-web/i-0aa11bb22cc33dd44"
_S3_HOST = "shop-assets.s3.eu-central-1.amazonaws.com"


def alb(rng: Random, request: Request, moment: datetime) -> str:
    """Of a request to the shop, which some targets, a Lambda and redirects answer."""
    took = [rng.random() * most for most in (0.002, 0.4, 0.001)]
    created = moment + timedelta(microseconds=below(rng, 1_000_000))
    done = created + timedelta(seconds=sum(took))
    is_http = " HTTP/" in request.line
    status, action = request.status, "forward"
    if status in {301, 403}:
        action = "redirect" if status == 301 else "waf"
    if chance(rng, 1 / 300):
        status = pick(rng, (460, 502, 504))
    reached = is_http and action == "forward" and status not in {460, 502, 504}
    is_lambda = reached and chance(rng, 1 / 10)
    times = " ".join(f"{part:.3f}" for part in took) if reached else "-1 -1 -1"
    target = f"10.0.{below(rng, 3)}.{10 + below(rng, 9)}:8080" if reached and not is_lambda else "-"
    ip = address(request.host)
    # IPv6 has been logged with brackets and without.
    client = f"[{ip}]" if ":" in ip and chance(rng, 0.5) else ip
    method, url = _asked(request)
    line = f"{method} https://shop.example.com:443{url} {request.line.rpartition(' ')[2]}"
    is_new = chance(rng, 0.3)
    redirect = f"https://shop.example.com:443/products{url}" if action == "redirect" else "-"
    answered = str(status) if reached else "-"
    return " ".join(
        [
            "h2" if request.line.endswith("/2.0") else "https",
            f"{done:%Y-%m-%dT%H:%M:%S.%f}Z {_ALB} {client}:{1024 + below(rng, 60_000)} {target}",
            f"{times} {status} {answered} {60 + below(rng, 900)}",
            f'{request.size.replace("-", "0")} "{line if is_http else _NOT_HTTP}"',
            f'"{request.agent}" {pick(rng, _CIPHERS)} TLSv1.3',
            f'{_GROUP if reached else "-"} "Root=1-{int(_epoch(moment)):x}-{hexes(rng, 24)}"',
            f'"shop.example.com" "{_CERTIFICATE if is_new else "session-reused"}"',
            f"{below(rng, 4) if is_http else -1} {created:%Y-%m-%dT%H:%M:%S.%f}Z",
            f'"{action if is_http else "-"}" "{redirect}" "-" "{target}"',
            f'"{answered if target != "-" else "-"}" "-" "-" TID_{hexes(rng, 32)}',
        ]
    )


_NOT_HTTP = "- http://shop.example.com:443- -"


def cloudfront(rng: Random, request: Request, moment: datetime) -> str:
    """Of a request by way of the CDN; now and then a viewer goes away before the answer."""
    method, target = _asked(request)
    stem, _, query = target.partition("?")
    is_gone = chance(rng, 1 / 200)
    status = _NO_VIEWER if is_gone else str(request.status)
    result = "Error" if is_gone or request.status >= 400 else _RESULTS.draw(rng)
    size = int(request.size.replace("-", "0"))
    has_agent = request.agent != "-"
    agent = quote(request.agent.replace("\\", ""), safe="/;:,+()@") if has_agent else "-"
    taken = rng.random() * (0.02 if result == "Hit" else 0.6)
    is_part = request.status == HTTPStatus.PARTIAL_CONTENT
    late = moment - timedelta(seconds=below(rng, 40))
    return "\t".join(
        [
            *(f"{late:%Y-%m-%d}", f"{late:%H:%M:%S}", pick(rng, _EDGES), str(size + 380)),
            *(address(request.host), method, "d111111abcdef8.cloudfront.net", stem, status),
            *(request.referer, agent, query or "-", "-", result, f"{hexes(rng, 52)}=="),
            *("shop.example.com", "https", str(60 + below(rng, 900)), f"{taken:.3f}"),
            *("198.51.100.9" if chance(rng, 1 / 40) else "-", "TLSv1.3", pick(rng, _CIPHERS)),
            *(result, request.line.rpartition(" ")[2] or "-", "-", "-"),
            *(str(1024 + below(rng, 60_000)), f"{taken / 2:.3f}"),
            *("ClientGeoBlocked" if request.status == 403 else result, "text/html"),
            *(str(size) if size else "-", "0" if is_part else "-", str(size) if is_part else "-"),
        ]
    )


CLOUDFRONT_HEADER = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) "
    "cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type "
    "x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol "
    "ssl-cipher x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields "
    "c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end\n"
)


def _asked(request: Request) -> tuple[str, str]:
    """Method and target; `GET /` for what was not HTTP."""
    method, _, rest = request.line.partition(" ")
    target, _, _ = rest.rpartition(" ")
    return (method, target) if target.startswith("/") else ("GET", "/")


def _epoch(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1)).total_seconds()


def _cut(line: str) -> str:
    """Cut off in its midst."""
    return line[: len(line) * 3 // 5]


def _empty(_: str) -> str:
    return ""


def _prose(_: str) -> str:
    """What belongs elsewhere."""
    return "upload failed: connection reset by peer"


def _status(line: str) -> str:
    """With a status that is no number."""
    return re.sub(r"(?<=[ \t])\d{3}(?=[ \t])", "2x0", line, count=1)


def _month(line: str) -> str:
    """In a month that there is not."""
    return re.sub(
        r"2026-10-|/Oct/", lambda found: found[0].replace("10", "13").replace("Oct", "Foo"), line
    )


S3_FAULTS = (_cut, _month, _status, _prose, _empty)
ALB_FAULTS = S3_FAULTS
CLOUDFRONT_FAULTS = S3_FAULTS
