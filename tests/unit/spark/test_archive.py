"""The archive of classes: used where it is, for the Java that it was made for."""

import os
import sys
from pathlib import Path

import pytest

from gristmill.spark import archive
from gristmill.spark.java import Java


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Java:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    binary = tmp_path / "java" / "bin" / "java"
    binary.parent.mkdir(parents=True)
    binary.touch()
    return Java(tmp_path / "java", 21, "bundled")


def test_it_is_used_where_it_is_with_what_it_is_built_on(java: Java) -> None:
    assert archive.options(java) == ""
    made = archive.archive_of(java)
    made.parent.mkdir(parents=True)
    made.touch()
    assert f"-XX:SharedArchiveFile={made} " in archive.options(java)
    archive.base_of(made).touch()
    assert f"-XX:SharedArchiveFile={archive.base_of(made)}:{made} " in archive.options(java)


def test_another_java_has_another(java: Java) -> None:
    before = archive.archive_of(java)
    os.utime(java.home / "bin" / "java", (1, 1))
    assert archive.archive_of(java) != before
