"""The disk of this machine as a storage."""

from pathlib import Path

import pytest

from gristmill.errors import OutputError
from gristmill.storage.local import LocalStorage
from tests.support.storage_conformance import *  # noqa: F403


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(str(tmp_path / "root"))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"cannot make .*/file/in \(Not a directory\): ask for"):
        LocalStorage(str(tmp_path / "file")).write("in/it", b"x")
