"""The kernel for words: the pieces that it counts have the words of the text, and no others."""

import random
from collections import Counter

import pyarrow as pa
import pytest

from gristmill.readers.kernels import words
from tests.support.reference import word_counts

CHARACTERS = (
    "aàZßİıéЖъ'’ -_.1٣२कि्ไทย中日\u0301\u0327\u200c\u200dαΣς\t\r\f\v\x1c\x85\xa0\u3000שׁ“”²Ⅷ🙂"
)


@pytest.mark.parametrize("held", [10, 100, 2_000_000])
@pytest.mark.parametrize("tokenizer", ["letters", "words", "whitespace"])
def test_words_of_pieces_are_those_of_the_text(
    monkeypatch: pytest.MonkeyPatch, tokenizer: str, held: int
) -> None:
    monkeypatch.setattr(words, "_HELD", held)
    rng = random.Random(f"{tokenizer}/{held}")
    lines = ["".join(rng.choices(CHARACTERS, k=rng.randrange(60))) for _ in range(2000)]
    expected: Counter[str] = Counter()
    for line in lines:
        expected.update(word_counts(line, tokenizer, lowercase=False))
    batches = [pa.record_batch([lines[at : at + 70]], ["line"]) for at in range(0, 2000, 70)]
    found: Counter[str] = Counter()
    for batch in words.counted(batches, tokenizer):
        for piece in batch.to_pylist():
            for word, count in word_counts(piece["piece"], tokenizer, lowercase=False).items():
                found[word] += count * piece["count"]
    assert found == expected


def test_of_empty_lines_there_are_no_pieces() -> None:
    assert list(words.counted([], "words")) == []
    batches = list(words.counted([pa.record_batch([["", " ", "-"]], ["line"])], "words"))
    assert sum(batch.num_rows for batch in batches) == 0
