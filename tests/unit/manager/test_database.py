"""Where a ledger may lie, and what is said where it may not."""

from pathlib import Path

import pytest

from gristmill.errors import OutputError, UsageError
from gristmill.manager.ledger import database, open_ledger
from gristmill.manager.ledger.database import default_url, networked

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /mnt/nfs nfs4 rw 0 0
/dev/sdb1 /mnt/nfs/local xfs rw 0 0
127.0.0.1:/ /mnt/a\\040b nfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/mnt/nfs", "nfs4"),
        ("/mnt/nfs/deep/er", "nfs4"),
        ("/mnt/nfs/local/x", None),
        ("/mnt/nfsother", None),
        ("/mnt/a b/x", "nfs"),
        ("/home/me", None),
        ("/tmp/x", None),
    ],
)
def test_a_network_s_file_system_is_known(tmp_path: Path, folder: str, kind: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert networked(Path(folder), mounts) == kind


def test_where_nothing_tells_nothing_is_refused(tmp_path: Path) -> None:
    assert networked(tmp_path, tmp_path / "none") is None


def test_a_ledger_on_a_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "networked", lambda _folder: "nfs4")
    with pytest.raises(UsageError, match="is on nfs4, where locks do not hold"):
        open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make"):
        open_ledger(f"sqlite:///{tmp_path}/file/ledger.db")


def test_the_ledger_of_a_project_lies_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRISTMILL_LEDGER", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_url(tmp_path) == f"sqlite:///{tmp_path}/data/gristmill/ledger.db"
    (tmp_path / "pyproject.toml").write_text("[tool.gristmill]\n")
    assert default_url(tmp_path) == f"sqlite:///{tmp_path}/.gristmill/ledger.db"
    monkeypatch.setenv("GRISTMILL_LEDGER", "postgresql://h/d")
    assert default_url(tmp_path) == "postgresql://h/d"
