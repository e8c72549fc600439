"""Layouts: every variable of the manuals is read, and what cannot be is refused with its reason."""

import pytest

from gristmill.errors import UsageError
from gristmill.jobs import CATALOGUE
from gristmill.readers.logs import formats, values
from gristmill.readers.logs.layout import checking
from gristmill.readers.logs.layout.compiled import compiled
from gristmill.readers.logs.recognise import recognise

# https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats and mod_logio, mod_ssl.
APACHE = [
    "%a",
    "%{c}a",
    "%A",
    "%B",
    "%b",
    "%{SESSION}C",
    "%D",
    "%{UNIQUE_ID}e",
    "%f",
    "%h",
    "%{c}h",
    "%H",
    "%{Accept-Language}i",
    "%k",
    "%l",
    "%L",
    "%m",
    "%{note}n",
    "%{Content-Type}o",
    "%p",
    "%{canonical}p",
    "%{local}p",
    "%{remote}p",
    "%P",
    "%{pid}P",
    "%{tid}P",
    "%{hextid}P",
    "%q",
    "%r",
    "%R",
    "%s",
    "%>s",
    "%<s",
    "%T",
    "%{ms}T",
    "%{us}T",
    "%{s}T",
    "%u",
    "%U",
    "%v",
    "%V",
    "%X",
    "%I",
    "%O",
    "%S",
    "%{Expires}^ti",
    "%{Expires}^to",
    "%{SSL_PROTOCOL}x",
    "%{SSL_CIPHER}x",
    "%^FB",
    "%400,501{User-agent}i",
    "%!200,304,302{Referer}i",
]
APACHE_TIMES = [
    "%t",
    "%{sec}t",
    "%{msec}t",
    "%{usec}t",
    "%{begin:sec}t",
    "%{end:msec}t",
    "%{%Y-%m-%dT%H:%M:%S%z}t",
    "%{begin:%d/%b/%Y:%T}t",
    "%{%F}t",
]
# https://nginx.org/en/docs/varindex.html: all modules' variables that a log may have.
NGINX = [
    "ancient_browser",
    "arg_name",
    "args",
    "binary_remote_addr",
    "body_bytes_sent",
    "bytes_received",
    "bytes_sent",
    "connection",
    "connection_requests",
    "connection_time",
    "connections_active",
    "connections_reading",
    "connections_waiting",
    "connections_writing",
    "content_length",
    "content_type",
    "cookie_name",
    "date_gmt",
    "date_local",
    "document_root",
    "document_uri",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "geoip_area_code",
    "geoip_city",
    "geoip_country_code",
    "geoip_org",
    "gzip_ratio",
    "host",
    "hostname",
    "http2",
    "http3",
    "http_name",
    "https",
    "invalid_referer",
    "is_args",
    "is_request_port",
    "jwt_payload",
    "limit_conn_status",
    "limit_rate",
    "limit_req_status",
    "memcached_key",
    "modern_browser",
    "msie",
    "msec",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_host",
    "proxy_port",
    "proxy_protocol_addr",
    "proxy_protocol_port",
    "proxy_protocol_server_addr",
    "query_string",
    "realip_remote_addr",
    "realip_remote_port",
    "realpath_root",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_body",
    "request_body_file",
    "request_completion",
    "request_filename",
    "request_id",
    "request_length",
    "request_method",
    "request_port",
    "request_time",
    "request_uri",
    "scheme",
    "secure_link",
    "secure_link_expires",
    "sent_http_name",
    "sent_trailer_name",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "slice_range",
    "ssl_alpn_protocol",
    "ssl_cipher",
    "ssl_ciphers",
    "ssl_client_cert",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_s_dn",
    "ssl_client_serial",
    "ssl_client_verify",
    "ssl_curve",
    "ssl_curves",
    "ssl_early_data",
    "ssl_protocol",
    "ssl_server_name",
    "ssl_session_id",
    "ssl_session_reused",
    "status",
    "tcpinfo_rtt",
    "time_iso8601",
    "time_local",
    "uid_got",
    "uid_set",
    "upstream_addr",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "upstream_cache_age",
    "upstream_cache_status",
    "upstream_connect_time",
    "upstream_cookie_name",
    "upstream_first_byte_time",
    "upstream_header_time",
    "upstream_http_name",
    "upstream_last_addr",
    "upstream_queue_time",
    "upstream_response_length",
    "upstream_response_time",
    "upstream_session_time",
    "upstream_status",
    "upstream_trailer_name",
    "uri",
]


@pytest.mark.parametrize("one", APACHE)
def test_each_of_apache_s_places_is_read(one: str) -> None:
    found = compiled(f'%h {one} %t "{one}"')
    assert len(found.variables) == 4
    values.python(found.grammar)


@pytest.mark.parametrize("one", APACHE_TIMES)
def test_each_of_apache_s_times_is_read(one: str) -> None:
    (time,) = compiled(f'%h {one} "%r" %>s').times.values()
    assert time.column == "timestamp"


@pytest.mark.parametrize("one", NGINX)
def test_each_of_nginx_s_variables_is_read(one: str) -> None:
    found = compiled(f'$remote_addr [$time_local] "${one}" ${{{one}}} x')
    assert len(found.variables) == 4
    filled = {place for name in COLUMNS if (place := found.group(name)) is not None}
    times = set(found.times)
    read = filled | times | {found.request} | set(found.others.values())
    assert read >= {0, 1, 2}


COLUMNS = [field.name for field in formats()["layout"].dataset.fields]


@pytest.mark.parametrize(
    "layout",
    [
        '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent',
        "log_format main '$remote_addr - $remote_user [$time_local] '\n"
        "                '\"$request\" $status $body_bytes_sent';",
        'log_format main escape=default "$remote_addr - $remote_user [$time_local] \\"$request\\" '
        '$status $body_bytes_sent";',
    ],
)
def test_a_directive_is_taken_as_it_stands_in_nginx_s_configuration(layout: str) -> None:
    line = '192.0.2.1 - ann [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12'
    found = values.python(compiled(layout).grammar).match(line)
    assert found is not None
    assert found.groups()[1:3] == ("ann", "25/Nov/2026:10:00:00 +0000")


@pytest.mark.parametrize(
    "layout",
    [
        '%h %l %u %t "%r" %>s %b',
        r'LogFormat "%h %l %u %t \"%r\" %>s %b" common',
        r"%h %l %u %t \"%r\" %>s %b",
    ],
)
def test_a_directive_is_taken_as_it_stands_in_apache_s_configuration(layout: str) -> None:
    line = '192.0.2.1 - ann [25/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 12'
    found = values.python(compiled(layout).grammar).match(line)
    assert found is not None
    assert found.groups() == (
        *("192.0.2.1", "-", "ann", "25/Nov/2026:10:00:00 +0000", "GET / HTTP/1.1", "200", "12"),
    )


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("", "it is empty"),
        ("plain words", "no time"),
        ("$remote_addr $status", "no time"),
        ("$remote_addr$status [$time_local]", "nothing stands between remote_addr and status"),
        ("%h %t %y", "Apache has no %y"),
        ("%h %t %{min}T", "there are: s, ms, us"),
        ("%h %{%A}t", "%A is not read as a time"),
        ("%h %{msec_frac}t", "parts of a time, and no time"),
        ('log_format main escape=json \'{"a":"$remote_addr"}\';', "--format json"),
    ],
)
def test_a_layout_that_cannot_be_read_is_refused(layout: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        compiled(layout)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layout": "%h %{%F %T}t", "zone": ""}, "--zone NAME does"),
        ({"layout": "%h %t", "zone": "Europe/Nowhere"}, "no time zone Europe/Nowhere"),
        ({"layout": "%h %t", "format": "combined"}, "say one of them"),
        ({"layout": "traefik", "format": "combined"}, "say one of them"),
        ({"format": "layout"}, "takes the layout, too"),
        ({"format": "haproxy-http"}, "haproxy-http: its times do not say their zone"),
        ({"layout": "haproxy-http"}, "haproxy-http: its times do not say their zone"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as error:
        CATALOGUE["access-logs"].options.from_json(options)
    assert said in str(error.value)


def test_a_zone_makes_up_for_what_times_do_not_say() -> None:
    checking.check_layout("%h %{%F %T}t", "auto", "Europe/Berlin")
    checking.check_layout("%h %{%F %T %z}t", "auto", "")
    checking.check_layout("%h %{%F}t %{%z}t", "auto", "")


LINE = '[25/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0"'


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (f"www.example.com:443 203.0.113.9 - - {LINE}", "vhost_combined"),
        (f"203.0.113.9 - - {LINE}", "combined"),
        (f"203.0.113.9 - - {LINE} 1234", "apache-%D"),
        (f"203.0.113.9 - - {LINE.replace(':00 +', ':00.123 +')}", "combined-iso"),
        (
            f"203.0.113.9 - - {LINE.replace('25/Nov/2026:10:00:00 +0000', '2026-11-25T10:00:00Z')}",
            "combined-iso",
        ),
        (
            f"203.0.113.9 - - {LINE} 350 0.004 [default-web-80] [] 10.1.2.3:8080 12 0.004 200 0af1",
            "ingress-nginx",
        ),
        (
            "203.0.113.9:33317 [06/Feb/2026:12:14:14.655] in static/srv1 10/0/30/69/109 200 2750 "
            '- - ---- 1/1/1/1/0 0/0 {shop.example.com} {} "GET /a HTTP/1.1"',
            "haproxy-http",
        ),
        (f'203.0.113.9 - - {LINE} 3 "web@docker" "http://10.0.0.2:80" 15ms', "traefik"),
    ],
)
def test_layouts_that_have_a_name_are_recognised(line: str, name: str) -> None:
    assert recognise({"file": line + "\n"}) == name
    assert recognise({"file": f"2026-11-25T10:00:01.5Z stdout F {line}\n"}) == name


def test_combined_lines_with_and_without_milliseconds_are_read_together() -> None:
    plain = f"203.0.113.9 - - {LINE}\n"
    fine = plain.replace(":00 +", ":00.123 +")
    assert recognise({"a": plain, "b": fine}) == "combined-iso"
