"""The Makefile on machines that lack what it takes."""

import subprocess
from pathlib import Path

import pytest

from tests.support.process import ROOT


@pytest.mark.parametrize("tool", ["uv", "nothing"])
def test_another_python_is_told_before_anything_is_installed(tmp_path: Path, tool: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    # Older than it takes, whatever it is asked.
    for name in ("python3", tool):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        ["make", "setup"],
        cwd=tmp_path,
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Gristmill needs Python 3.11 to 3.13; 'python3' is another." in done.stderr
    assert "Traceback" not in done.stderr
