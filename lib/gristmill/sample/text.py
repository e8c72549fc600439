"""Text in words that mean nothing, in several scripts, with the frequencies of a natural language.

The scripts are chosen for what breaks a careless tokenizer: accents, apostrophes inside a word,
digits of other scripts, and marks that combine with the letter before them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from random import Random
from textwrap import fill

from gristmill.sample.draw import Weighted, below, chance, pick, zipf

_COLUMNS = 72

# Frequent words are short: up to this rank in a vocabulary, at most so many syllables.
_SYLLABLES = ((40, 1), (400, 2), (3000, 3))


@dataclass(frozen=True, slots=True)
class Script:
    """The parts that words are built from, each a `|`-separated list in which "" may occur.

    A word is syllables of onset, vowel and coda, where the last coda is one of `finals`. `elisions`
    go before a word that begins with a vowel. `share` is the file's part of all words, as a weight.
    """

    name: str
    share: int
    onsets: str
    vowels: str
    codas: str
    finals: str
    elisions: str = ""
    digits: str = "0123456789"
    stops: str = ".|.|.|.|.|.|!|?"


SCRIPTS = (
    Script(
        "latin",
        share=60,
        onsets="|b|d|f|g|j|l|m|n|p|r|s|t|v|br|cl|dr|pl|st|tr|ç|ñ",
        vowels="a|a|e|e|i|i|o|o|u|é|è|ê|ö|ü|å|ø",
        codas="||||n|r|s|l",
        finals="|||n|r|s|l|x",
        elisions="l'|d'|n'|qu'",
    ),
    Script(
        "greek",
        share=10,
        onsets="|β|γ|δ|ζ|θ|κ|λ|μ|ν|π|ρ|σ|τ|φ|χ|στ|πρ|κλ",
        vowels="α|ε|η|ι|ο|υ|ω|ά|έ|ή|ό|ώ|ου|αι",
        codas="||||ν|ρ|λ",
        finals="|||ς|ς|ν",
        stops=".|.|.|.|.|.|!|;",
    ),
    Script(
        "cyrillic",
        share=10,
        onsets="|б|в|г|з|к|л|м|н|п|р|с|т|ч|ш|ст|пр|гр",
        vowels="а|а|е|и|о|о|у|ы|я|ю|ё|э",
        codas="||||н|р|л|й",
        finals="|||н|р|л|й|т|м",
    ),
    Script(
        "devanagari",
        share=4,
        # U+094D, virama, joins two consonants; the vowels are signs on the consonant before.
        onsets="क|ख|ग|ज|ट|थ|त|द|ध|न|प|ब|म|य|र|ल|व|स|ह|क\u094dर|त\u094dय|स\u094dत|प\u094dर",
        vowels="||\u093e|\u093f|\u0940|\u0941|\u0942|\u0947|\u0948|\u094b|\u094c",
        codas="|||\u0902",
        finals="|||\u0902|न|र|त",
        digits="०१२३४५६७८९",
        stops="।|।|।|।|!|?",
    ),
    Script(
        "hebrew",
        share=4,
        # U+05BC is dagesh; before the vowel, as it is typed, and not where Unicode would sort it.
        onsets="א|ב|ב\u05bc|ג|ד|ה|ז|ח|ט|כ\u05bc|ל|מ|נ|ס|ע|פ\u05bc|צ|ק|ר|ש\u05c1|ש\u05c2|ת",
        vowels="\u05b0|\u05b4|\u05b5|\u05b6|\u05b7|\u05b8|\u05b9|\u05bb",
        codas="|||ר\u05b0|ל\u05b0|נ\u05b0",
        finals="||ם|ן|ת|ר|ל|ך\u05b0",
    ),
    Script(
        "decomposed",
        share=12,
        # The accents are combining marks, as in file names on macOS.
        onsets="|b|d|g|h|k|l|m|p|r|t|v|c\u030c|s\u030c|z\u030c|n\u0303|c\u0327",
        vowels="a|e|i|o|u|a\u0301|e\u0301|e\u0300|i\u0302|o\u0308|u\u0308|a\u030a|o\u0323\u0302",
        codas="||||n|r|s",
        finals="|||n|r|s|m",
    ),
)


def write_texts(folder: Path, *, seed: int, words: int) -> list[Path]:
    """Write one file for each script to `folder`, `words` words over all; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    bounds = [0, *accumulate(script.share for script in SCRIPTS)]
    for script, (start, end) in zip(SCRIPTS, pairwise(bounds), strict=True):
        due = words * end // bounds[-1] - words * start // bounds[-1]
        path = folder / f"{script.name}.txt"
        with path.open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(_paragraphs(Random(f"{seed}/{script.name}"), script, due))
        paths.append(path)
    return paths


def _vocabulary(rng: Random, script: Script) -> list[str]:
    """The distinct words of a script, the most frequent first."""
    onsets, vowels = script.onsets.split("|"), script.vowels.split("|")
    codas, finals = script.codas.split("|"), script.finals.split("|")
    words: dict[str, None] = {}
    for rank, most in _SYLLABLES:
        while len(words) < rank:
            endings = [codas] * below(rng, most) + [finals]
            word = "".join(pick(rng, onsets) + pick(rng, vowels) + pick(rng, e) for e in endings)
            if script.elisions and word[0] in script.vowels and chance(rng, 1 / 3):
                word = pick(rng, script.elisions.split("|")) + word
            words[word] = None
    return list(words)


def _paragraphs(rng: Random, script: Script, words: int) -> Iterator[str]:
    """Wrapped paragraphs of `words` words in all, an empty line between each two."""
    vocabulary = zipf(_vocabulary(rng, script))
    gap = ""
    while words:
        sentences = []
        for _ in range(3 + below(rng, 5)):
            length = min(words, 4 + below(rng, 15))
            words -= length
            if length:
                sentences.append(_sentence(rng, script, vocabulary, length))
        # A hyphen or a long word would be cut in two, and the number of words with it.
        paragraph = fill(
            " ".join(sentences), _COLUMNS, break_on_hyphens=False, break_long_words=False
        )
        yield f"{gap}{paragraph}\n"
        gap = "\n"


def _sentence(rng: Random, script: Script, vocabulary: Weighted[str], length: int) -> str:
    """A sentence of `length` words, now and then a number among them."""
    tokens = []
    for _ in range(length):
        number = chance(rng, 1 / 60)
        token = _number(rng, script.digits) if number else vocabulary.draw(rng)
        tokens.append(token + ("," if chance(rng, 1 / 10) else ""))
    tokens[0] = tokens[0][0].upper() + tokens[0][1:]
    tokens[-1] = tokens[-1].rstrip(",") + pick(rng, script.stops.split("|"))
    return " ".join(tokens)


def _number(rng: Random, digits: str) -> str:
    """A number of one to four digits, the first of them not zero."""
    return pick(rng, digits[1:]) + "".join(pick(rng, digits) for _ in range(below(rng, 4)))
