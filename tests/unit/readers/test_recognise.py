"""Which format logs are in, by their first lines."""

from collections.abc import Callable

import pytest

from gristmill.errors import InputError
from gristmill.readers.logs.recognise import recognise
from tests.support.aws_lines import ALB_CONNECTION, ALPN, DNS, NLB, TGW, envelope

START = "192.0.2.7 - - [10/Oct/2026:13:55:36 +0200] "
COMMON = START + '"GET /a?b=c HTTP/1.1" 200 2326'
COMBINED = COMMON + ' "https://example.org/" "Mozilla/5.0 (X11; Linux)"'
FORWARDED = COMBINED + ' "203.0.113.9, 10.0.0.1"'


S3 = (
    "0a1b2c3d4e5f logs-example [03/Mar/2026:23:59:59 +0000] 192.0.2.3 - 7D1F2A3B {operation} "
    'k "GET /k HTTP/1.1" 200 - 1 2 3 4 "-" "a" -'
)
ALB = (
    "https 2026-03-03T23:59:59.186641Z app/web/50dc 192.0.2.1:2817 {target} 0.1 0.2 3 200 200 1 2 "
    '"GET https://example.com:443/ HTTP/2.0" "a" - - - "Root=1-6"'
)
CLOUDFRONT = "\t".join(["2026-03-03", "23:59:59", "FRA53-C1", *["-"] * 30])
VPC = "2 111122223333 eni-0a1b2c3d 192.0.2.16 198.51.100.21 1 22 6 20 4 1772582399 1772582459 "
EVENT = (
    '{"eventVersion":"1.08","eventTime":"2026-03-03T23:59:59Z","eventSource":"s3.amazonaws.com"}'
)


def in_doubled(line: str) -> str:
    """A line wrapped in quotes, with its own doubled, as CSV does it."""
    return '"' + line.replace('"', '""') + '"'


def in_escaped(line: str) -> str:
    r"""A line wrapped in quotes, with its own as \"."""
    return '"' + line.replace('"', r"\"") + '"'


def in_plain(line: str) -> str:
    """A line wrapped in quotes, with its own left alone."""
    return f'"{line}"'


@pytest.mark.parametrize("wrapped", [str, in_doubled, in_escaped, in_plain])
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (COMMON, "common"),
        (COMBINED, "combined"),
        (FORWARDED, "combined"),
        (COMBINED.replace("https://example.org/", "-"), "combined"),
        (COMBINED.replace("Mozilla/5.0 (X11; Linux)", ""), "combined"),
        (START + '"-" 408 - "-" "-"', "combined"),
        (START + '"-" 408 -', "common"),
    ],
    ids=["common", "combined", "forwarded", "no referer", "no agent", "408 combined", "408 common"],
)
def test_a_line_is_recognised_however_it_is_wrapped(
    wrapped: Callable[[str], str], line: str, expected: str
) -> None:
    assert recognise({"a.log": f"{wrapped(line)}\n" * 3}) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (START + r'"GET / HTTP/1.1" 200 5 "-" "an \"odd\" agent \\"', "combined"),
        (START + r'"GET /\"quoted\" HTTP/1.1" 200 5', "common"),
        (START + r'"\x16\x03\x01\x00" 400 150 "-" "-"', "combined"),
        (START + r'"\x16\x03\x01\x00" 400 150', "common"),
        (START + '"" 400 0 "-" "-"', "combined"),
        (START + '"" 400 0', "common"),
        (COMBINED.replace("192.0.2.7", "2001:db8::8a2e:370:7334"), "combined"),
        (COMMON.replace("192.0.2.7", "::1"), "common"),
        (COMMON.replace("192.0.2.7 - -", "host.example.org id ann"), "common"),
        (COMBINED + "  ", "combined"),
        (COMMON + " \t", "common"),
    ],
    ids=[
        *("agent with quotes", "path with quotes", "not HTTP, combined", "not HTTP, common"),
        *("no request, combined", "no request, common", "IPv6", "short IPv6", "host and user"),
        *("blanks behind combined", "blanks behind common"),
    ],
)
def test_what_real_lines_hold_does_no_harm(line: str, expected: str) -> None:
    assert recognise({"a.log": f"{line}\n{line}\n"}) == expected


@pytest.mark.parametrize(("line", "expected"), [(COMMON, "common"), (COMBINED, "combined")])
def test_the_ends_of_lines_do_not_matter(line: str, expected: str) -> None:
    assert recognise({"a.log": f"{line}\r\n{line}\r\n\r\n"}) == expected
    assert recognise({"a.log": line}) == expected
    assert recognise({"a.log": f"\ufeff{line}\n"}) == expected
    assert recognise({"a.log": f"\n\n \n{line}\n"}) == expected


def test_a_few_broken_lines_do_not_change_the_outcome() -> None:
    broken = ["", "garbage", COMBINED[:60], COMBINED[:100], "\0\0\0"]
    for line, expected in ((COMBINED, "combined"), (COMMON, "common")):
        head = "\n".join([*broken, *[line] * 5, *broken, *[line] * 5, line[:90]])
        assert recognise({"a.log": head}) == expected


def test_files_of_one_format_are_recognised_as_it() -> None:
    assert recognise({"a.log": COMBINED, "b.log": FORWARDED, "c.log": COMBINED}) == "combined"
    assert recognise({"a.log": COMMON, "b.log": COMMON}) == "common"


@pytest.mark.parametrize("empty", ["", "\n", " \r\n\t\r\n", "\0\0\0"])
def test_empty_files_have_no_say(empty: str) -> None:
    assert recognise({"a.log": empty, "b.log": COMMON, "c.log": empty}) == "common"
    assert recognise({"a.log": empty}) is None


def test_common_beside_combined_is_read_line_by_line() -> None:
    assert recognise({"a.log": COMMON, "b.log": COMBINED, "empty.log": ""}) == "web"
    assert recognise({"a.log": f"{COMMON}\n{FORWARDED}\n"}) == "web"
    assert recognise({"a.log": f"{COMMON}\n{FORWARDED}\n", "b.log": COMMON}) == "web"


def test_files_of_different_formats_are_refused_with_one_of_each() -> None:
    heads = {"x/a.log": COMMON, "x/b.log": COMBINED, "x/c.log": VPC + "ACCEPT OK", "x/empty": ""}
    with pytest.raises(InputError, match="--format") as refused:
        recognise(heads)
    for told in ("x/a.log is common", "x/b.log is combined", "x/c.log is vpc_flow"):
        assert told in str(refused.value)


@pytest.mark.parametrize(
    "line",
    [
        COMBINED + ' "0.005"',
        COMBINED + " 12ms",
        "www.example.com:https " + COMBINED,
        COMBINED.replace("+0200", "+02:00"),
        COMBINED.replace(":55:36", ":55:36 123"),
        COMMON.replace("- -", "- Frank Miller"),
        COMMON.replace("200 2326", "999 2326"),
        S3.format(operation="REST.GET.OBJECT").replace(" 200 ", " 200 - "),
        ALB.format(target="-").replace(" 200 200 ", " 200 "),
    ],
    ids=[
        *("quoted time", "time", "virtual host", "other zone", "milliseconds", "user with a space"),
        *("status", "S3 with a field more", "ALB with a field less"),
    ],
)
def test_a_format_that_would_reject_all_lines_is_not_named(line: str) -> None:
    with pytest.raises(InputError, match=r"a\.log is not a log in a known format") as refused:
        recognise({"a.log": f"{line}\n{line}\n"})
    assert line[:100] in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "It was a dark and stormy night.\n",
        '{"status": 200, "path": "/"}\n',
        "date,client,status\n2026-10-10,192.0.2.7,200\n",
        "2026-10-10 13:55:36 192.0.2.7 GET /a 200\n",
        "Oct 10 13:55:36 host sshd[1234]: Accepted password\n",
    ],
)
def test_a_file_of_another_format_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match=r"b\.log is not a log in a known format.*--format"):
        recognise({"a.log": COMBINED, "b.log": text})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        *(
            (S3.format(operation=operation), "s3_access")
            for operation in (
                *("REST.GET.OBJECT", "BATCH.DELETE.OBJECT", "S3.EXPIRE.OBJECT"),
                *("WEBSITE.GET.OBJECT", "SOAP.ListAllMyBuckets"),
            )
        ),
        *(
            (ALB.format(target=target), "alb")
            for target in ("198.51.100.7:80", "-", "2001:db8::7:80", "[2001:db8::7]:80")
        ),
        ("Enable AccessLog for ELB: app/web/50dc at 2026-03-03T23:55:00Z", "alb"),
        (
            "#Version: 1.0\n#Fields: c-ip x-edge-location timestamp(ms)\n192.0.2.1\tFRA\t1",
            "cloudfront",
        ),
        (CLOUDFRONT, "cloudfront"),
        (CLOUDFRONT.rsplit("\t", 9)[0], "cloudfront"),
        (VPC + "ACCEPT OK", "vpc_flow"),
        (VPC + "ACCEPT OK ", "vpc_flow"),
        ("2 unknown eni-0a1b2c3d - - - - - - - 1772582399 1772582459 - NODATA", "vpc_flow"),
        ("version vpc-id new-field bytes start end", "vpc_flow"),
        ("end bytes", "vpc_flow"),
        (
            "version resource-type account-id tgw-id tgw-attachment-id tgw-src-eni start end",
            "transit_gateway",
        ),
        (TGW, "transit_gateway"),
        (NLB, "nlb"),
        (ALPN, "nlb"),
        (ALB_CONNECTION, "alb_connection"),
        (DNS, "route53_resolver"),
        (f"2026-03-04T00:00:00.123Z {VPC}ACCEPT OK", "vpc_flow"),
        (f"2026-03-04T00:00:00.123Z {EVENT}", "cloudtrail"),
        (envelope([EVENT]) + envelope([EVENT]), "cloudtrail"),
        (envelope([VPC + "ACCEPT OK", "cut off here"])[:-10], "vpc_flow"),
        (EVENT, "cloudtrail"),
        (f'{{"Records":[{EVENT},{EVENT}]}}', "cloudtrail"),
        (f'{{"Records":[{EVENT},{{"eventVer', "cloudtrail"),
        ('{"Records":[]}', "cloudtrail"),
        (' { "Records" : [ ] }', "cloudtrail"),
    ],
)
def test_a_log_of_aws_is_recognised(line: str, expected: str) -> None:
    assert recognise({"a.log": f"\ufeff\r\n{line}\r\n"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        # IIS, and CloudFront's neighbour in writing such headers.
        "#Software: IIS 10.0\n#Fields: date time s-ip cs-method\n2026-03-03 00:00:01 192.0.2.1 GET",
        # A classic load balancer, a network load balancer, and an application one's health checks.
        '2026-03-03T23:59:59.1Z web 192.0.2.1:1 198.51.100.7:80 0.1 0.2 0.3 200 200 0 9 "GET / -"',
        "tls 2.0 2026-03-03T23:59:59 net/web/c6e7 g3d4 192.0.2.1:51 198.51.100.7:443 5 2 9 2 - -",
        "http 2026-03-03T23:59:59.875678Z 0.019584011 198.51.100.7:80 targets PASS - 200 -",
        # What looks like CloudTrail's files.
        '{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventTime":"2026-03-03T2"}]}',
        '{"Records":[{"messageId":"1","body":"x"}]}',
        '{"time":"2026-03-03T23:59:59Z","status":200,"path":"/"}',
        '{\n  "Records": [\n',
        "version,account-id,start,end\n2,111122223333,1,2",
        "\t".join("abcdefghijklmnopqrstuvwx"),
        "end",
        "the start of the end",
    ],
)
def test_what_only_looks_like_a_log_of_aws_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"b\.log is not a log in a known format.*--format"):
        recognise({"a.log": EVENT, "b.log": text})


def test_an_object_that_only_tries_whether_anybody_is_there_has_no_say() -> None:
    trying = envelope(["CWL CONTROL MESSAGE: Checking health of destination."], "CONTROL_MESSAGE")
    assert recognise({"a.log": trying}) is None
    broken = envelope([EVENT, "no escape: ?"]).replace("?", "\\q")
    assert recognise({"a.log": broken}) == "cloudtrail"
    assert recognise({"a.log": trying + envelope([EVENT]), "b.log": trying}) == "cloudtrail"


def test_lines_of_two_formats_in_a_file_are_refused() -> None:
    with pytest.raises(InputError, match=r"a\.log mixes formats: alb, s3_access"):
        recognise({"a.log": ALB.format(target="-") + "\n" + S3.format(operation="REST.GET.OBJECT")})
