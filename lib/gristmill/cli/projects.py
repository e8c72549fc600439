"""What is around jobs: projects, samples, a shell's environment, help."""

import argparse
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gristmill.cli import topics
from gristmill.cli.show import Block, blocks, show
from gristmill.errors import GristmillError, OutputError, UsageError
from gristmill.nearest import nearest


@dataclass(frozen=True)
class FileList:
    """Files that were made."""

    files: tuple[Path, ...]


@dataclass(frozen=True)
class Environment:
    """What spark-submit needs to know: where Java and Python are."""

    java: str
    java_home: Path
    pyspark_python: str


@blocks.register
def _(found: FileList) -> Iterable[Block]:
    return map(str, found.files)


@blocks.register
def _(found: Environment) -> Iterable[Block]:
    yield f'# {found.java}; use: eval "$(gristmill env)"'
    yield f"export JAVA_HOME='{found.java_home}'"
    yield f"export PYSPARK_PYTHON='{found.pyspark_python}'"


def new(arguments: argparse.Namespace) -> None:
    """Make a project of one's own."""
    from gristmill.shipping.new import new_project  # noqa: PLC0415

    show(FileList(tuple(new_project(arguments.folder))), as_json=arguments.json)
    if not arguments.quiet:
        print(f"now: cd {shlex.quote(str(arguments.folder))} && make run", file=sys.stderr)


def sample(arguments: argparse.Namespace) -> None:
    """Make sample data. Raises `UsageError` or `OutputError`."""
    from gristmill.sample import write_samples  # noqa: PLC0415

    for flag in ("requests", "words", "aws", "billing"):
        if getattr(arguments, flag) < 0:
            raise UsageError(f"--{flag} takes 0 or more, not {getattr(arguments, flag)}")
    try:
        paths = write_samples(
            arguments.folder,
            seed=arguments.seed,
            requests=arguments.requests,
            words=arguments.words,
            aws=arguments.aws,
            billing=arguments.billing,
        )
    except OSError as error:
        raise OutputError(f"cannot write to {error.filename}: {error.strerror}") from error
    show(FileList(tuple(paths)), as_json=arguments.json)


def env(arguments: argparse.Namespace) -> None:
    """Print what a shell exports for spark-submit."""
    from gristmill.spark.java import find_java  # noqa: PLC0415

    java = find_java()
    show(Environment(str(java), java.home, sys.executable), as_json=arguments.json)


def completion(arguments: argparse.Namespace) -> None:
    """Print what makes a shell complete commands. Raises `GristmillError` without shtab."""
    from gristmill.cli.parser import parser  # noqa: PLC0415  it names this module

    try:
        import shtab  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise GristmillError("completion needs shtab: pip install shtab") from error
    print(shtab.complete(parser(), arguments.shell))


def explain(arguments: argparse.Namespace) -> None:
    """Explain a topic, or list the topics. Raises `UsageError`."""
    if arguments.topic is None:
        width = max(map(len, topics.TOPICS))
        for name, text in topics.TOPICS.items():
            print(f"{name:<{width}}  {text.partition(chr(10))[0]}")
        return
    if arguments.topic not in topics.TOPICS:
        raise UsageError(f"no topic {arguments.topic!r}; {nearest(arguments.topic, topics.TOPICS)}")
    print(topics.TOPICS[arguments.topic].strip())
