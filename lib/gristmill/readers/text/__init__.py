"""Text: lines of files, and the words in them."""

from gristmill.readers.text.lines import Lines as Lines
from gristmill.readers.text.lines import TextOptions as TextOptions

__all__ = ["Lines", "TextOptions"]
