"""The command line: `gristmill …`."""

from gristmill.cli.main import main

__all__ = ["main"]
