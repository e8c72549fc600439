"""The command line as a process, for which that of an earlier test is warm."""

import pytest

from tests.support.process import Gristmill, shared_folder
from tests.support.warm import Warm


@pytest.fixture(scope="session")
def gristmill(tmp_path_factory: pytest.TempPathFactory) -> Gristmill:
    """Run `gristmill` with arguments and wait for its end."""
    warm = Warm(shared_folder(tmp_path_factory))
    return warm.run
