"""Other programs, run to their end."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from gristmill.errors import GristmillError

_TIMEOUT_SECONDS = 1800


def finished(
    what: str,
    command: Sequence[str | Path],
    cwd: Path | str | None = None,
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """What a program said and its exit code. Raises `GristmillError` where it does not end."""
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GristmillError(
            f"{what} did not end within {_TIMEOUT_SECONDS // 60} minutes: try again"
        ) from error
