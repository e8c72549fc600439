"""Access logs as JSON: lines as each logger's manual shows them, odd values, broken ones."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gristmill.errors import UsageError
from gristmill.jobs import CATALOGUE
from gristmill.readers.logs.json_lines import parse
from gristmill.readers.logs.json_loggers import mapped
from gristmill.readers.logs.recognise import recognise
from gristmill.readers.text.lines import LINE_NUMBER, text_files
from tests.spark.lines import Values, assert_as_expected, parsed
from tests.spark.test_layouts import EMPTY, PLAIN, TEN

CADDY = {
    "level": "info",
    "ts": 1795600800.25,
    "logger": "http.log.access",
    "msg": "handled request",
    "request": {
        "remote_ip": "203.0.113.9",
        "client_ip": "203.0.113.9",
        "proto": "HTTP/1.1",
        "method": "GET",
        "host": "shop.example.com",
        "uri": "/a?b=1",
        "headers": {"User-Agent": ["Mozilla/5.0"], "Accept": ["*/*"]},
    },
    "user_id": "",
    "duration": 0.000929675,
    "size": 12,
    "status": 200,
}
TRAEFIK = {
    "ClientAddr": "203.0.113.9:51234",
    "ClientHost": "203.0.113.9",
    "ClientUsername": "-",
    "DownstreamContentSize": 12,
    "DownstreamStatus": 200,
    "Duration": 15000000,
    "OriginDuration": 14000000,
    "RequestHost": "shop.example.com",
    "RequestMethod": "GET",
    "RequestPath": "/a?b=1",
    "RequestPort": "443",
    "RequestProtocol": "HTTP/1.1",
    "RouterName": "web@docker",
    "StartUTC": "2026-11-25T10:00:00.25Z",
    "request_User-Agent": "Mozilla/5.0",
    "time": "2026-11-25T10:00:01Z",
}
ENVOY = {
    "authority": "shop.example.com",
    "bytes_received": 0,
    "bytes_sent": 12,
    "downstream_remote_address": "203.0.113.9:51234",
    "duration": 15,
    "method": "GET",
    "path": "/a?b=1",
    "protocol": "HTTP/1.1",
    "request_id": "abc",
    "response_code": 200,
    "response_flags": "-",
    "start_time": "2026-11-25T10:00:00.250Z",
    "upstream_host": "10.0.0.2:80",
    "upstream_service_time": "14",
    "user_agent": "Mozilla/5.0",
    "x_forwarded_for": "198.51.100.1",
}
WAF = {
    "timestamp": 1795600800250,
    "formatVersion": 1,
    "webaclId": "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/shop/1",
    "terminatingRuleId": "Default_Action",
    "action": "ALLOW",
    "ruleGroupList": [{"ruleGroupId": "AWS#Common", "terminatingRule": None}],
    "httpRequest": {
        "clientIp": "203.0.113.9",
        "country": "DE",
        "headers": [{"name": "Host", "value": "shop.example.com"}],
        "uri": "/a",
        "args": "b=1",
        "httpVersion": "HTTP/1.1",
        "httpMethod": "GET",
        "requestId": "abc",
        "host": "shop.example.com",
    },
    "responseCodeSent": None,
}
NGINX = {
    "time_local": "25/Nov/2026:10:00:00 +0000",
    "remote_addr": "203.0.113.9",
    "remote_user": "",
    "request": "GET /a?b=1 HTTP/1.1",
    "status": "200",
    "body_bytes_sent": "12",
    "request_time": "0.015",
    "http_referrer": "-",
    "http_user_agent": "Mozilla/5.0",
    "gzip_ratio": "2.5",
}
AT = TEN.replace(microsecond=250_000)
HOST = {**PLAIN, "timestamp": AT, "vhost": "shop.example.com"}
ROWS: dict[str, tuple[dict[str, Any], Values]] = {
    "caddy": (
        CADDY,
        {
            **HOST,
            "seconds": 0.000929675,
            "more": {"level": "info", "logger": "http.log.access", "msg": "handled request"},
        },
    ),
    "traefik-json": (
        TRAEFIK,
        {
            **HOST,
            "port": 443,
            "seconds": 0.015,
            "upstream_seconds": 0.014,
            "more": {"RouterName": "web@docker"},
        },
    ),
    "envoy-json": (
        ENVOY,
        {
            **HOST,
            "forwarded_for": "198.51.100.1",
            "seconds": 0.015,
            "upstream_seconds": 0.014,
            "request_id": "abc",
            "more": {"bytes_received": "0", "upstream_host": "10.0.0.2:80"},
        },
    ),
    "waf": (
        WAF,
        {
            **HOST,
            "status": None,
            "bytes": None,
            "user_agent": None,
            "request_id": "abc",
            "more": {
                "formatVersion": "1",
                "webaclId": WAF["webaclId"],
                "terminatingRuleId": "Default_Action",
                "action": "ALLOW",
                "ruleGroupList": '[{"ruleGroupId":"AWS#Common","terminatingRule":null}]',
            },
        },
    ),
    "json": (NGINX, {**PLAIN, "seconds": 0.015, "more": {"gzip_ratio": "2.5"}}),
}


@pytest.mark.parametrize("name", ROWS)
def test_each_logger_s_lines_are_recognised_and_read(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    line, row = ROWS[name]
    text = json.dumps(line)
    assert recognise({"file": text + "\n"}) == name
    wrapped = json.dumps({"log": text + "\n", "stream": "stdout", "time": "2026-11-25T10:00:01Z"})
    assert recognise({"file": wrapped + "\n"}) == name
    rows = parsed(spark, tmp_path / "a.log", name, [text.encode(), wrapped.encode()])
    assert_as_expected(rows, {text: row, wrapped: row})


def test_broken_lines_are_rejected_with_the_reason(spark: SparkSession, tmp_path: Path) -> None:
    def line(**more: object) -> str:
        return json.dumps({**NGINX, **more})

    lines: dict[str, Values | str] = {
        line()[:-5]: "bad_json",
        "[1, 2]": "bad_json",
        line()[:-1] + ', "status": 500}': "bad_json",
        json.dumps({"message": "started"}): "not_this_format",
        line(time_local="yesterday"): "bad_timestamp",
        line(status="OK"): "bad_status",
        line(body_bytes_sent=-1): "bad_bytes",
        line(request_time="fast"): "bad_number",
        line(remote_addr="nobody"): "bad_address",
        line(remote_addr=None, request="\\x16\\x03", status=400): {
            **EMPTY,
            "timestamp": TEN,
            "date": date(2026, 11, 25),
            "status": 400,
            "bytes": 12,
            "user_agent": "Mozilla/5.0",
            "seconds": 0.015,
            "more": {"gzip_ratio": "2.5"},
        },
        "": "empty_line",
    }
    rows = parsed(spark, tmp_path / "a.log", "json", [one.encode() for one in lines])
    assert_as_expected(rows, lines)


def test_keys_of_ones_own_are_mapped(spark: SparkSession, tmp_path: Path) -> None:
    line = {
        "when": "2026-11-25T11:00:00+01:00",
        "who": {"ip": "203.0.113.9"},
        "verb": "GET",
        "target": "/a?b=1",
        "code": 200,
        "took": 15,
        "size": 12,
        "app": "shop",
    }
    pairs = (
        *("timestamp=when", "client=who.ip", "method=verb", "target=target", "status=code"),
        *("seconds=took:ms", "bytes=size"),
    )
    file = tmp_path / "a.log"
    file.write_text(json.dumps(line) + "\n")
    rows = parse(text_files(spark, [str(file)]).lines, None, mapped(pairs)).collect()
    wanted = {
        **PLAIN,
        "protocol": None,
        "user_agent": None,
        "seconds": 0.015,
        "more": {"app": "shop"},
    }
    assert_as_expected(sorted(rows, key=lambda row: row[LINE_NUMBER]), {"line": wanted})


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (("clinet=ip",), "did you mean client?"),
        (("client",), "FIELD=KEY"),
        (("client=",), "FIELD=KEY"),
    ],
)
def test_a_mapping_that_is_none_is_refused(pairs: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        CATALOGUE["access-logs"].options.from_json({"map": list(pairs)})
    with pytest.raises(UsageError, match="--map is for JSON"):
        CATALOGUE["access-logs"].options.from_json({"map": ["client=ip"], "format": "combined"})


def test_now_is_what_it_says() -> None:
    assert datetime.fromtimestamp(1795600800, UTC) == TEN
