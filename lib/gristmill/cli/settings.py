"""What flags are where they are not given: GRISTMILL_* of the environment, then the project's."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from gristmill.project import DEFAULTS, Project


def defaults(environ: Mapping[str, str], start: Path | None = None) -> Mapping[str, str]:
    """Defaults by flag, without dashes: `GRISTMILL_MAX_REJECT_RATE` is that of `max-reject-rate`.

    Raises `UsageError` for a `[tool.gristmill.defaults]` that is wrong.
    """
    found = dict(Project.find(start).defaults)
    for name in DEFAULTS:
        if value := environ.get(f"GRISTMILL_{name.upper().replace('-', '_')}"):
            found[name] = value
    return found


def set_defaults(parser: argparse.ArgumentParser, values: Mapping[str, str]) -> None:
    """Give the flags of a parser their defaults; none that has one is required any more."""
    for action in parser._actions:
        for flag in action.option_strings:
            if (name := flag.removeprefix("--")) in values:
                # A text is read as if it had been typed.
                action.default, action.required = values[name], False
