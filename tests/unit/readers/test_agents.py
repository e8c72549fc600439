"""What user agents are, held against the list of bots and what makers document of theirs."""

import re

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from gristmill.readers.logs import agents
from gristmill.readers.logs.agents import one_of
from gristmill.readers.logs.values import python


def test_texts_that_are_joined_find_what_each_of_them_finds() -> None:
    patterns = ["abc", "abd", "ab", "x\\.y", "x\\/y", "^begin", "[pP]ing", "a+b\\+", ""]
    for some in (patterns[:3], patterns[3:5], patterns[5:8], patterns[:8], patterns):
        joined = re.compile(one_of(some))
        for text in (
            "abc",
            "zab",
            "xab1",
            "x.y",
            "xzy",
            "x/y",
            "begin",
            "no begin",
            "Ping",
            "aab+",
        ):
            wanted = any(re.search(pattern, text) for pattern in some)
            assert bool(joined.search(text)) == wanted, (some, text)


@pytest.mark.parametrize("kind", ["bot", "scanner", "health_check", "ai_crawler", "http-library"])
def test_each_kind_finds_the_agents_that_the_list_has_for_it(kind: str) -> None:
    mine = python(agents._patterns()[kind])
    own = [one["pattern"] for one in CRAWLER_USER_AGENTS_DATA if agents._kind(one["tags"]) == kind]
    assert len(own) > 20
    found = 0
    for entry in CRAWLER_USER_AGENTS_DATA[::9]:
        for agent in entry["instances"]:
            wanted = any(re.search(pattern, agent) for pattern in own)
            assert bool(mine.search(agent)) == wanted, agent
            found += wanted
    assert found > 2
