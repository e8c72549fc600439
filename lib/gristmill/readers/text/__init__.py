"""Text: lines of files, and the words in them."""
