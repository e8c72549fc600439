"""The files that operators edit, and where those of this installation are."""

from pathlib import Path

_HOME = Path(__file__).resolve().parent  # not the link to it below lib
_IS_CLONE = (_HOME.parent / "pyproject.toml").is_file()

CLUSTERS = _HOME / "clusters"
"""The folder of the specs that a name alone means."""

ACCOUNT = (_HOME if _IS_CLONE else Path.home() / ".config" / "gristmill") / "account.toml"
"""What all specs have in common: fields that a spec does not set are taken from here.

In a clone it is in `emr/`; what pip has installed is no place for files of one's own.
"""

PRICES = _HOME / "prices.toml"
"""What machines cost."""
