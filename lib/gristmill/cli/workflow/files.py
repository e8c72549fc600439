"""Definitions in files: read, and examined."""

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gristmill.cli.show import Block, blocks, show
from gristmill.errors import ExitCode, InputError, UsageError
from gristmill.workflow.lint import check_text
from gristmill.workflow.settings import LocalSettings


@dataclass(frozen=True)
class FoundProblem:
    """What is wrong in a definition, and where. `line` is 0 where it is not known."""

    file: str
    line: int
    path: str
    level: str
    text: str


@dataclass(frozen=True)
class LintReport:
    """What is wrong with definitions: errors stop them from being run."""

    files: int
    errors: int
    warnings: int
    problems: tuple[FoundProblem, ...]


@blocks.register
def _(found: LintReport) -> Iterable[Block]:
    for one in found.problems:
        where = f"{one.file}:{one.line}" if one.line else one.file
        yield f"{where}: {one.level}: {one.path}: {one.text}"
    word = "definition" if found.files == 1 else "definitions"
    yield f"{found.files} {word}: {found.errors} errors, {found.warnings} warnings"


def lint(arguments: argparse.Namespace) -> int:
    """Say all that is wrong; gives the exit code."""
    problems = []
    aws = LocalSettings(Path.cwd()).aws
    for name in arguments.files:
        checked = check_text(
            text_of(name), is_express=arguments.express, for_aws=arguments.aws, aws=aws
        )
        problems += [
            FoundProblem(
                name, one.line, one.path, "warning" if one.is_warning else "error", one.text
            )
            for one in checked.problems
        ]
    errors = sum(1 for one in problems if one.level == "error")
    report = LintReport(len(arguments.files), errors, len(problems) - errors, tuple(problems))
    show(report, as_json=arguments.json)
    return ExitCode.USAGE if errors else ExitCode.DONE


def text_of(name: str) -> str:
    """A file's text. Raises `InputError`."""
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{name} cannot be read: {error}") from error


def json_of(text: str, flag: str) -> Any:
    """A value that a flag gives, as JSON or @FILE. Raises `UsageError`, `InputError`."""
    if text.startswith("@"):
        text = text_of(text[1:])
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{flag} is no JSON: {error}; @FILE reads it from a file") from error
