"""Words of a text.

Chinese, Japanese and Thai do not mark where a word ends; finding it needs a segmenter, which none
of these tokenizers is: there a run between two marks counts as one word.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

_MARKED = r"[\p{L}\p{M}\p{Nd}]+"

PATTERNS = {
    "letters": r"\p{L}+",
    # An apostrophe, or a joiner as Persian and Hindi write it, belongs to the word it stands in.
    "words": rf"{_MARKED}(?:['’\x{{200C}}\x{{200D}}]{_MARKED})*+",
    "whitespace": r"[^\s\x{0085}\p{Z}]+",
}
"""Tokenizers by name, as Java regular expressions.

`letters`: runs of letters; combining marks and digits end a word. `words`: letters with their
combining marks, digits, and inner apostrophes. `whitespace`: runs of anything but white space.
"""


def tokens(text: Column, tokenizer: str) -> Column:
    """The words of a string, as an array of strings, in order."""
    return F.regexp_extract_all(text, F.lit(PATTERNS[tokenizer]), F.lit(0))
