"""What became of the files of a batch: rotated, packed, grown, corrected, or gone."""

import gzip
import random
from collections.abc import Mapping

from gristmill.publish.contents import Content, Fate, Found, fate

Place = dict[str, tuple[bytes, int]]
"""Files by name: what they hold, and when they were last changed."""


def known(files: Place) -> dict[str, Content]:
    return {name: Content.of(len(data), time, start(data)) for name, (data, time) in files.items()}


def found(files: Place) -> dict[str, Found]:
    return {
        name: Found(known(files)[name], start(data), data.startswith(b"\x1f\x8b"))
        for name, (data, time) in files.items()
    }


def start(data: bytes) -> bytes:
    return (gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)[:1024]


def became(before: Place, now: Place) -> Mapping[str, set[str]]:
    told = fate(known(before), found(now))
    names = ("gone", "changed", "grown", "new")
    return {name: set(getattr(told, name)) for name in names if getattr(told, name)}


A, B, C = (bytes([letter]) * 2000 for letter in b"abc")
BEFORE: Place = {"log": (A, 3), "log.1": (B, 2), "log.2": (C, 1)}


def test_what_is_there_as_it_was_has_no_fate() -> None:
    assert became(BEFORE, BEFORE) == {}
    assert became(BEFORE, BEFORE | {"other": (b"d", 9)}) == {"new": {"other"}}


def test_what_is_rotated_is_known_again() -> None:
    now: Place = {"log": (b"d", 9), "log.1": (A, 3), "log.2": (B, 2), "log.3": (C, 1)}
    assert became(BEFORE, now) == {"new": {"log"}}
    packed = {name: (gzip.compress(data), time) for name, (data, time) in now.items()}
    assert became(BEFORE, now | {"log.2.gz": packed["log.2"], "log.2": (b"x", 9)}) == {
        "new": {"log", "log.2"}
    }
    # The last one fell off, whatever stands under its name now.
    del now["log.3"]
    assert became(BEFORE, now) == {"gone": {"log.2"}, "new": {"log"}}


def test_what_has_grown_is_known_under_any_name() -> None:
    assert became(BEFORE, BEFORE | {"log": (A + b"more", 9)}) == {"grown": {"log"}}
    now: Place = {"log": (b"d", 9), "log.1": (A + b"more", 8), "log.2": (B, 2), "log.3": (C, 1)}
    assert became(BEFORE, now) == {"grown": {"log"}, "new": {"log"}}
    assert became({"log": (b"a", 1)}, {"log": (b"abc", 2)}) == {"grown": {"log"}}
    packed = gzip.compress(A + b"more")
    assert became({"log": (A, 1)}, {"log.1.gz": (packed, 2)}) == {"grown": {"log"}}


def test_what_has_other_content_has_changed() -> None:
    assert became(BEFORE, BEFORE | {"log": (b"d", 9)}) == {"changed": {"log"}}
    # Its end has gone, though it starts the same.
    assert became(BEFORE, BEFORE | {"log": (A[:-1], 9)}) == {"changed": {"log"}}
    assert became({"log": (b"abc", 1)}, {"log": (b"", 2)}) == {"changed": {"log"}}
    assert became({"log": (b"", 1)}, {"log": (b"abc", 2)}) == {"new": {"log"}}
    assert became({"log": (b"", 1)}, {}) == {}


def test_objects_are_known_by_size_and_time_alone() -> None:
    before = {"a": Content(5, 1), "b": Content(6, 1)}

    def now(**files: Content) -> Fate:
        return fate(before, {name: Found(content) for name, content in files.items()})

    assert now(**before) == Fate()
    assert now(a=Content(5, 1)) == Fate(gone=frozenset("b"))
    assert now(a=Content(5, 2), b=Content(6, 1)).changed == {"a"}
    # A copy under another name cannot be told from what is new of that size.
    assert now(a=Content(5, 1), c=Content(6, 2)).grown == {"c"}
    assert now(a=Content(5, 1), c=Content(7, 2)) == Fate(frozenset("b"), new=frozenset("c"))


def test_a_content_is_read_as_it_was_written() -> None:
    for content in (Content(5, 1), Content.of(3, 2, b"abc"), Content.of(0, 0)):
        assert Content.parse(str(content)) == content


def test_every_content_that_is_there_is_found_and_no_other() -> None:
    chance = random.Random(7)
    for _ in range(500):
        lines = [bytes(chance.choices(b"abc", k=chance.randint(1, 4))) for _ in range(6)]
        contents = [line * 50 for line in dict.fromkeys(lines)]
        # None of them may be the start of another, or it would be that, grown.
        contents = [b"%d " % n + data for n, data in enumerate(contents)]
        before: Place = {f"log.{n}": (data, n) for n, data in enumerate(contents)}
        kept = [n for n in range(len(contents)) if chance.random() < 0.7]
        now: Place = {}
        grown = set()
        for place, n in enumerate(chance.sample(kept, len(kept))):
            data, time = contents[n], n
            if chance.random() < 0.3:
                data, time = data + b"more", 99
                grown.add(f"log.{n}")
            now[f"log.{place}"] = (gzip.compress(data) if chance.random() < 0.3 else data, time)
        told = became(before, now)
        lost = told.get("gone", set()) | told.get("changed", set())
        assert lost == {f"log.{n}" for n in range(len(contents)) if n not in kept}
        assert told.get("grown", set()) == grown
        assert told.get("changed", set()) == set()
