"""The command line as a process, for which that of an earlier test is warm.

With GRISTMILL_TEST_WARM=0 nothing is warm: all of these tests hold either way.
"""

import os
from pathlib import Path

import pytest

from tests.support.process import BIN, Finished, Gristmill, finish, shared_folder
from tests.support.warm import Warm


@pytest.fixture(scope="session")
def gristmill(tmp_path_factory: pytest.TempPathFactory) -> Gristmill:
    """Run `gristmill` with arguments and wait for its end."""
    if os.environ.get("GRISTMILL_TEST_WARM") == "0":
        return _cold
    warm = Warm(shared_folder(tmp_path_factory))
    return warm.run


def _cold(*arguments: str | Path, **changes: str) -> Finished:
    return finish([BIN / "gristmill", *arguments], **changes)
