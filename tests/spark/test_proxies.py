"""Clients behind proxies, against a walk in plain Python with the standard library's networks."""

import ipaddress
import random

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from gristmill.errors import UsageError
from gristmill.jobs import CATALOGUE
from gristmill.readers.logs.proxies import PRIVATE, real_client

OURS = ("private", "203.0.113.0/24", "2001:db8:1::/48", "192.0.2.7")


def walked(client: str, forwarded: str | None) -> str:
    """What it should be."""
    networks = [ipaddress.ip_network(one) for one in (*PRIVATE, *OURS[1:])]

    def is_ours(text: str) -> bool:
        try:
            return any(ipaddress.ip_address(text) in one for one in networks)
        except ValueError:
            return False

    found = client
    for hop in reversed((forwarded or "").split(",")):
        if not is_ours(found):
            break
        text = hop.strip()
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif text.count(":") == 1:
            text = text.partition(":")[0]
        try:
            ipaddress.ip_address(text)
        except ValueError:
            break
        found = text
    return found


CASES = [
    ("10.0.0.1", "198.51.100.0", "198.51.100.0"),
    ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
    ("198.51.100.9", "6.6.6.6", "198.51.100.9"),
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("10.0.0.1", None, "10.0.0.1"),
    ("10.0.0.1", "unknown", "10.0.0.1"),
    ("10.0.0.1", "1.2.3.4, unknown, 10.0.0.9", "10.0.0.9"),
    ("::1", "[2001:db8::5]:4711", "2001:db8::5"),
    ("2001:db8:1:2::3", "2001:DB8:2::1, 2001:db8:1::ffff", "2001:DB8:2::1"),
    ("192.0.2.7", "198.51.100.2:5123", "198.51.100.2"),
    ("192.0.2.8", "198.51.100.2", "192.0.2.8"),
    ("proxy.example.com", "198.51.100.2", "proxy.example.com"),
]


def test_the_client_is_who_stands_behind_the_last_proxy(spark: SparkSession) -> None:
    assert [walked(client, forwarded) for client, forwarded, _ in CASES] == [
        wanted for _, _, wanted in CASES
    ]
    rng = random.Random(5)
    pool = [
        text for client, forwarded, _ in CASES for text in (client, *(forwarded or "").split(", "))
    ]
    pool += [
        "fe80::1%eth0",
        "255.255.255.255",
        "0.0.0.0",
        "fd00::",
        "::ffff:0:1",
        "100.127.255.255",
    ]
    made = [
        (rng.choice(pool), ", ".join(rng.choices(pool, k=rng.randint(1, 5)))) for _ in range(500)
    ]
    pairs = [(client, forwarded) for client, forwarded, _ in CASES] + made
    frame = spark.createDataFrame(pairs, "client string, forwarded_for string")
    found = frame.select(
        "client",
        "forwarded_for",
        real_client(F.col("client"), F.col("forwarded_for"), OURS).alias("real"),
    ).collect()
    wrong = [
        (row["client"], row["forwarded_for"], row["real"], wanted)
        for row in found
        if row["real"] != (wanted := walked(row["client"], row["forwarded_for"]))
    ]
    assert wrong == []


@pytest.mark.parametrize("job", ["traffic-summary", "web-sessions"])
@pytest.mark.parametrize("network", ["10.0.0.1/8", "everybody", "300.1.1.1", ""])
def test_what_is_no_network_is_refused(job: str, network: str) -> None:
    with pytest.raises(UsageError, match="--trusted-proxy takes"):
        CATALOGUE[job].options.from_json({"trusted_proxy": [network]})
