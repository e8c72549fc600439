"""`python -m gristmill.emr.package FOLDER`: build what is shipped, try it, and say what it is."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from gristmill.emr.package import Architecture, Platform, build, check
from gristmill.emr.package.contents import Package
from gristmill.errors import GristmillError
from gristmill.model.options import ArgumentParser


def main(argv: Sequence[str]) -> int:
    """Build and try a package; gives the exit code."""
    try:
        wanted = _parser().parse_args(list(argv))
        target = Platform(wanted.python, wanted.architecture)
        package = build(wanted.folder, wanted.requirements, target)
        notes = (*package.notes, *check(package))
    except GristmillError as error:
        sys.stderr.write(f"gristmill: {error}\n")
        return error.exit_code
    sys.stderr.writelines(f"{note}\n" for note in notes)
    sys.stdout.writelines(f"{line}\n" for line in lines(package))
    return 0


def lines(package: Package) -> list[str]:
    """What a package consists of: the key, the size and the place of each file."""
    parts = [(package.key, package.code), (package.key, package.entry)]
    if package.archive and package.archive_key:
        parts.append((package.archive_key, package.archive))
    return [f"{key}  {path.stat().st_size / 1000:>9,.0f} kB  {path}" for key, path in parts]


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(prog="python -m gristmill.emr.package", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to write the files")
    text = "ship these dependencies, too: a file as pip takes"
    parser.add_argument("--requirements", type=Path, metavar="FILE", help=text)
    text = "the cluster's Python (default: 3.11)"
    parser.add_argument("--python", default="3.11", metavar="X.Y", help=text)
    text = "the cluster's processors (default: x86_64)"
    names = get_args(Architecture)
    parser.add_argument("--architecture", choices=names, default="x86_64", help=text)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
