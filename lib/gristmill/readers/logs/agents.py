r"""Who asked, by the user agent: people's browsers, bots, health checks, scanners.

Bots are those of crawler-user-agents (https://github.com/monperrus/crawler-user-agents, MIT), a
list that is kept by many, of which each entry says what its bot is for; it is an extra of this
project, and without it nobody is told apart but by the rules below. Libraries for HTTP (curl,
okhttp) may be in anybody's hand: `unknown`.

What the list does not have:

- health checks, as their makers document them: Elastic Load Balancing, Route 53, CloudFront's
  and Google's load balancers, Kubernetes, Consul, Azure's Traffic Manager and Front Door;
- bots that say themselves where to read about them, by `+http…` in a comment, as has become the
  custom of those that mean no harm.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

LIST = "crawler-user-agents"
_MODULE = "crawleruseragents"

KINDS = ("human", "bot", "ai_crawler", "health_check", "scanner", "unknown")
"""Kinds of agents. `unknown` is what says nothing of itself, or nothing that tells it apart."""

# In this order: what watches or attacks may also be somebody's bot.
_OF_TAGS = {"scanner": "scanner", "monitoring": "health_check", "ai-crawler": "ai_crawler"}
_ANYBODY = "http-library"
_HEALTH_CHECKS = (
    *("ELB-HealthChecker/", "Amazon-Route53-Health-Check-Service", "kube-probe/", "GoogleHC/"),
    *("Consul Health Check", "Azure Traffic Manager Endpoint Monitor", "Edge Health Probe"),
)
_DECLARED = r"[(;,] ?\+?https?://|\+https?://"
_BROWSER = r"^(?:Mozilla|Opera)/[0-9]"


def installed_list() -> str | None:
    """The list of bots that is here, with its version; None where there is none."""
    if find_spec(_MODULE) is None:
        return None
    try:
        return f"{LIST} {version(LIST)}"
    except PackageNotFoundError:
        return LIST


def with_agent_kind(rows: DataFrame, *, listed: bool) -> DataFrame:
    """Rows (`user_agent string`) with the one of `KINDS` that theirs is of, as `agent_kind`.

    `listed` says whether by the list. It takes a millisecond, so each agent is looked at once.
    """
    agents = rows.select(F.col("user_agent").alias("_agent")).distinct()
    kinds = agents.withColumn("agent_kind", _kind_of(F.col("_agent"), listed=listed))
    return rows.join(kinds, rows["user_agent"].eqNullSafe(kinds["_agent"])).drop("_agent")


def _kind_of(agent: Column, *, listed: bool) -> Column:
    found = F.when(agent.rlike(one_of(map(re.escape, _HEALTH_CHECKS))), "health_check")
    patterns = _patterns() if listed else {}
    for kind in ("scanner", "health_check", "ai_crawler", "bot"):
        if kind in patterns:
            found = found.when(agent.rlike(patterns[kind]), kind)
    found = found.when(agent.rlike(_DECLARED), "bot")
    if _ANYBODY in patterns:
        found = found.when(agent.rlike(patterns[_ANYBODY]), "unknown")
    return found.when(agent.rlike(_BROWSER), "human").otherwise("unknown")


@cache
def _patterns() -> dict[str, str]:
    """A Java regular expression for each kind of bot in the list."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # noqa: PLC0415 - it need not be there

    by_kind: dict[str, list[str]] = defaultdict(list)
    for entry in CRAWLER_USER_AGENTS_DATA:
        by_kind[_kind(entry["tags"])].append(entry["pattern"])
    return {kind: one_of(patterns) for kind, patterns in by_kind.items()}


def _kind(tags: Sequence[str]) -> str:
    kinds = (kind for tag, kind in _OF_TAGS.items() if tag in tags)
    return next(kinds, _ANYBODY if _ANYBODY in tags else "bot")


def one_of(patterns: Iterable[str]) -> str:
    """A regular expression that finds what any of these finds.

    Java tries alternatives one by one: those that are plain texts are joined by what they begin
    with, which makes a thousand of them some dozens.
    """
    texts: list[str] = []
    others: list[str] = []
    for pattern in patterns:
        text = re.sub(r"\\([^0-9A-Za-z])", r"\1", pattern)
        is_plain = not re.search(r"(?<!\\)[][(){}.*+?|^$]|\\[0-9A-Za-z]", pattern)
        (texts if is_plain else others).append(text if is_plain else pattern)
    return "|".join([*others, *([_joined(texts)] if texts else [])])


def _joined(texts: Iterable[str]) -> str:
    by_first: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        if not text:
            return ""  # Where one ends, the longer ones tell no more.
        by_first[text[0]].append(text[1:])
    parts = [re.escape(first) + _joined(rest) for first, rest in by_first.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
