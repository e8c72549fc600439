"""Logs that AWS would write of the shop: S3, load balancer, CloudFront, flows and CloudTrail.

Three days in October in UTC, a file for every six hours, as AWS lays them out. Ids and accounts
are invented; addresses are those that are set aside for documentation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from gristmill.sample import aws_account, aws_web
from gristmill.sample.draw import hexes
from gristmill.sample.logs import START, open_text, per_minute, requests_of, with_faults
from gristmill.sample.shop import Request

_WINDOW = 6 * 60  # minutes
_LINES_PER_FAULT = 500


@dataclass(frozen=True)
class Feed:
    """A kind of log: `file` is what its files are called, with a `{time}` and an `{id}`.

    `line(rng, request, moment)` says what it logs of a request. A file begins with `before`, has
    `between` between its lines, and ends with `after`. Where it holds one JSON document, `most`
    bounds how many are in one.
    """

    name: str
    file: str
    line: Callable[[Random, Request, datetime], str]
    faults: tuple[Callable[[str], str], ...]
    before: str = ""
    between: str = "\n"
    after: str = "\n"
    most: int | None = None


FEEDS = (
    Feed("s3_access", "{time:%Y-%m-%d-%H-%M}-00-{id}", aws_web.s3, aws_web.S3_FAULTS),
    Feed(
        "alb",
        "111122223333_elasticloadbalancing_eu-central-1_app.shop_{time:%Y%m%dT%H%MZ}_{id}.log.gz",
        aws_web.alb,
        aws_web.ALB_FAULTS,
    ),
    Feed(
        "cloudfront",
        "ESHOP7EXAMPLE.{time:%Y-%m-%d-%H}.{id}.gz",
        aws_web.cloudfront,
        aws_web.CLOUDFRONT_FAULTS,
        before=aws_web.CLOUDFRONT_HEADER,
    ),
    Feed(
        "vpc_flow",
        "111122223333_vpcflowlogs_eu-central-1_fl-shop_{time:%Y%m%dT%H%MZ}_{id}.log.gz",
        aws_account.flow,
        aws_account.FLOW_FAULTS,
        before=aws_account.FLOW_HEADER,
    ),
    Feed(
        "cloudtrail",
        "111122223333_CloudTrail_eu-central-1_{time:%Y%m%dT%H%MZ}_{id}.json.gz",
        aws_account.event,
        aws_account.EVENT_FAULTS,
        before='{"Records":[',
        between=",",
        after="]}",
        most=5000,
    ),
)


def write_aws(folder: Path, *, seed: int, lines: int) -> list[Path]:
    """Write `lines` lines (of CloudTrail, events) of each kind, in a folder each; gives the paths.

    Broken lines are among them, header lines are not.
    """
    return [path for feed in FEEDS for path in write_feed(folder / feed.name, feed, seed, lines)]


def write_feed(folder: Path, feed: Feed, seed: int, lines: int) -> list[Path]:
    """Write `lines` lines of one kind to `folder`, and give the paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(f"{seed}/aws/{feed.name}")
    counts = per_minute(rng, lines)
    whole = (feed.line(rng, *found) for found in requests_of(rng, counts))
    broken = with_faults(rng, whole, feed.faults, _LINES_PER_FAULT)
    paths = []
    for minute in range(0, len(counts), _WINDOW):
        left = sum(counts[minute : minute + _WINDOW])
        while left:
            count = min(left, feed.most or left)
            left -= count
            time = START + timedelta(minutes=minute)
            path = folder / feed.file.format(time=time, id=hexes(rng, 16).upper())
            with open_text(path) as out:
                out.writelines(_apart(feed, islice(broken, count)))
            paths.append(path)
    return paths


def _apart(feed: Feed, lines: Iterator[str]) -> Iterator[str]:
    yield feed.before + next(lines)
    for line in lines:
        yield feed.between + line
    yield feed.after
