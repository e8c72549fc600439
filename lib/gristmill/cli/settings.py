"""What flags are where they are not given: GRISTMILL_* of the environment, then the project's."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from gristmill.errors import UsageError
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
    """Give the flags of a parser their defaults; none that has one is required any more.

    Raises `UsageError` for one that is none of a flag's choices.
    """
    for action in parser._actions:
        for flag in action.option_strings:
            if (name := flag.removeprefix("--")) in values:
                if action.choices and values[name] not in action.choices:
                    # argparse looks at what is typed alone.
                    known = ", ".join(map(str, action.choices))
                    told = f"the default of {flag} is {values[name]!r}, not one of {known}"
                    raise UsageError(told)
                # A text is read as if it had been typed.
                action.default, action.required = values[name], False
