"""`gristmill COMMAND …`: the command that is meant is done, and what goes wrong is told."""

import argparse
import os
import sys
from collections.abc import Sequence

from gristmill.cli.parser import handler_of, parser, paths
from gristmill.cli.settings import defaults, set_defaults
from gristmill.cli.voice import fail, speak
from gristmill.errors import ExitCode, GristmillError, UsageError

_EMR = {"boto3", "botocore"}
_MANAGER = {"sqlalchemy", "alembic", "pydantic", "cronsim", "apprise", "prometheus_client"} | {
    "jsonata",
    "jsonpath",
}
_OF_ALL = {"log-format", "cluster", "account", "prices", "wait"}
"""Flags that may have a default in any command; a run has others, too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in `argv`, by default this process's; gives the exit code."""
    speak(argparse.Namespace())
    try:
        top = parser()
        values = {name: text for name, text in defaults(os.environ).items() if name in _OF_ALL}
        for _, one in paths(top):
            set_defaults(one, values)
        arguments = top.parse_args(list(sys.argv[1:] if argv is None else argv))
        speak(arguments)
        return handler_of(arguments)(arguments) or ExitCode.DONE
    except GristmillError as error:
        fail(str(error))
        return error.exit_code
    except ModuleNotFoundError as error:
        if error.name not in _EMR | _MANAGER:
            raise
        extra = "emr" if error.name in _EMR else "manager"
        fail(f"this needs {error.name}: pip install 'gristmill[{extra}]'; in a clone: make setup")
        return UsageError.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe, such as head, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
