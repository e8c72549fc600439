"""Shipping: the project, the script that starts a job, and what users add, as files for S3."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from gristmill.catalogue import Found
from gristmill.emr.package.check import check
from gristmill.emr.package.contents import Architecture, Package, Platform, Shipped, files, locate
from gristmill.emr.package.dependencies import build_archive, left_out
from gristmill.emr.package.own import add_own
from gristmill.emr.package.upload import upload
from gristmill.shipping.wheel import build_wheel

__all__ = [
    "Architecture",
    "Package",
    "Platform",
    "Shipped",
    "build",
    "check",
    "files",
    "locate",
    "upload",
]

_ENTRY = Path(__file__).parents[1] / "entry.py"
_ANY = Platform()


def build(
    folder: Path,
    requirements: Path | None = None,
    target: Platform = _ANY,
    own: Sequence[Found] = (),
) -> Package:
    """Write into `folder` what is shipped; with `requirements`, a file as pip takes, those as well.

    The modules of jobs that are the user's `own` go with the project's. The same tree gives the
    same files, and so the same keys. Raises `GristmillError`.
    """
    code, version = build_wheel(folder)
    add_own(code, own)
    entry = folder / _ENTRY.name
    shutil.copyfile(_ENTRY, entry)
    if requirements is None:
        return Package(version, target, code, entry)
    notes = tuple(
        f"{requirements}: {name} is left out, as the cluster has it"
        for name in left_out(requirements)
    )
    return Package(version, target, code, entry, build_archive(requirements, target), notes)
