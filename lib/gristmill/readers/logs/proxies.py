"""Who really asked, where proxies stand between: X-Forwarded-For, read from the right.

Each proxy writes behind the others' whom it was asked by; what stands left of the first address
that is no proxy of ours may be made up. As nginx's `real_ip_recursive` and Apache's `mod_remoteip`
do: https://nginx.org/en/docs/http/ngx_http_realip_module.html,
https://httpd.apache.org/docs/2.4/mod/mod_remoteip.html.
"""

import ipaddress
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.errors import UsageError
from gristmill.model.options import option
from gristmill.readers.logs import values

PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10"),
    *("169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
)
"""RFC 1918, RFC 6598, RFC 4193, loopback and link-local: what `private` stands for."""

_V4_IN_V6 = "0" * 20 + "f" * 4
_ADDRESS = rf"^(?:\[({values.IPV6})\]|({values.IPV4}))(?::[0-9]{{1,5}})?\z|^({values.IPV6})\z"


def ranges(networks: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """First and last address of each network, as 32 hexadecimal digits; `private` stands for
    `PRIVATE`. Raises `UsageError` for what is no network."""
    found = []
    for named in networks:
        for text in PRIVATE if named == "private" else (named,):
            try:
                network = ipaddress.ip_network(text)
            except ValueError as error:
                raise UsageError(
                    f"--trusted-proxy takes an address, a network such as 10.0.0.0/8, or private: "
                    f"{error}"
                ) from error
            ends = network.network_address, network.broadcast_address
            found.append((_digits(ends[0]), _digits(ends[1])))
    return tuple(found)


def _digits(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    digits = address.packed.hex()
    return _V4_IN_V6 + digits if address.version == 4 else digits


TRUSTED_PROXY: tuple[str, ...] = option(
    (),
    metavar="NETWORK",
    help="a proxy of ours, an address or network, or private: the client is who stands behind it",
)
"""The option of jobs that count clients."""


def behind_proxies(requests: DataFrame, networks: Sequence[str]) -> DataFrame:
    """Requests (`client string, forwarded_for string`) with the clients behind trusted proxies."""
    if not networks:
        return requests
    found = real_client(F.col("client"), F.col("forwarded_for"), networks)
    return requests.withColumn("client", found)


def real_client(client: Column, forwarded_for: Column, networks: Sequence[str]) -> Column:
    """The address that is furthest behind trusted proxies: `client` where that is none of them.

    What is no address ends the walk, as nobody can say who wrote it; the last one before it counts.
    """
    trusted = ranges(networks)
    given = F.reverse(F.split(forwarded_for, " ?, ?"))
    hops = F.transform(given, _address)
    start = F.struct(client.alias("client"), _is_of(client, trusted).alias("goes_on"))

    def step(so_far: Column, hop: Column) -> Column:
        goes_on = so_far["goes_on"] & hop.isNotNull()
        return F.struct(
            F.when(goes_on, hop).otherwise(so_far["client"]).alias("client"),
            (goes_on & _is_of(hop, trusted)).alias("goes_on"),
        )

    walked = F.aggregate(hops, start, step, lambda end: end["client"])
    return F.coalesce(walked, client)


def _address(hop: Column) -> Column:
    """An address without brackets and port; null where it is none."""
    parts = (F.regexp_extract(hop, _ADDRESS, group) for group in (1, 2, 3))
    return F.nullif(F.concat(*parts), F.lit(""))


def _is_of(address: Column, trusted: Sequence[tuple[str, str]]) -> Column:
    digits = _hexadecimal(address)
    found = F.lit(False)
    for first, last in trusted:
        found |= digits.between(first, last)
    return F.coalesce(found, F.lit(False))


def _hexadecimal(address: Column) -> Column:
    """An address as 32 hexadecimal digits; null where it is none, or has IPv4 at its end."""
    octets = F.split(address, r"\.")
    v4 = F.concat(
        F.lit(_V4_IN_V6),
        *(F.lpad(F.hex(F.get(octets, F.lit(n)).try_cast("int")), 2, "0") for n in range(4)),
    )
    bare = F.substring_index(address, "%", 1)
    halves = F.split(bare, "::")
    left, right = (_groups(F.get(halves, F.lit(n))) for n in (0, 1))
    missing = F.lit(32) - F.length(left) - F.length(F.coalesce(right, F.lit("")))
    v6 = F.concat(left, F.repeat(F.lit("0"), missing), F.coalesce(right, F.lit("")))
    is_v4 = address.rlike(values.whole(values.IPV4))
    is_v6 = address.rlike(values.whole(values.IPV6)) & ~F.contains(address, F.lit("."))
    return F.lower(F.when(is_v4, v4).when(is_v6, v6))


def _groups(half: Column) -> Column:
    """Groups of an IPv6 address, four digits each."""
    groups = F.when(half == "", F.array().cast("array<string>")).otherwise(F.split(half, ":"))
    return F.array_join(F.transform(groups, lambda group: F.lpad(group, 4, "0")), "")
