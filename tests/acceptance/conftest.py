"""The command line as a process."""

from pathlib import Path

import pytest

from tests.support.process import BIN, Finished, Gristmill, finish


@pytest.fixture(scope="session")
def gristmill() -> Gristmill:
    """Run `gristmill` with arguments and wait for its end."""

    def run(*arguments: str | Path, **changes: str) -> Finished:
        return finish([BIN / "gristmill", *arguments], **changes)

    return run
