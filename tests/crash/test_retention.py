"""Retention that is killed at every point: all that is old is there, or none of it."""

import dataclasses
import secrets
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from gristmill.publish import state
from gristmill.publish.lease import owner, utc_now
from gristmill.publish.log import Log
from gristmill.publish.manifest import Manifest, Origin
from gristmill.publish.retention import expire
from gristmill.publish.run_ids import run_id
from gristmill.storage.local import LocalStorage
from tests.crash.matrix import killed, settle
from tests.support.publishing import LEDGER, Work, publish, stored, wrong

OLD, NEW = "2026-01-01", "2026-11-21"


@pytest.mark.parametrize(
    ("write_mode", "kind"),
    [
        ("batch", "parquet"),
        ("partition", "parquet"),
        ("batch", "iceberg"),
        pytest.param("partition", "iceberg", marks=pytest.mark.thorough),
    ],
)
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_an_expiry_that_is_killed_anywhere_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_mode: str, kind: str
) -> None:
    monkeypatch.setattr(state, "_CHECKPOINT_EVERY", 2)
    ledger = dataclasses.replace(LEDGER, write_mode=write_mode)
    rows = [("a", OLD), ("b", OLD), ("c", "2026-01-02"), ("d", NEW)]
    saved, place = tmp_path / "saved", tmp_path / "out"
    root = LocalStorage(str(place))
    publish(root, "1", Work({ledger: rows}), table_format=kind)
    shutil.copytree(place, saved)

    def expires() -> None:
        origin = Origin(run_id(utc_now(), secrets.token_hex(4)), "expire", {}, (), "", owner())
        wait = timedelta()
        expire(root, origin, "ledger", date(2026, 8, 23), wait=wait, tell=print)

    for at in range(100):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(saved, place)
        if not killed(at, expires):
            break
        settle(root)
        committed = sum(isinstance(entry, Manifest) for _, entry in Log(root).since(0)) == 2
        assert stored(root, ledger) == ([("d", NEW)] if committed else sorted(rows)), at
        assert not wrong(root), (at, wrong(root))
        expires()
        assert stored(root, ledger) == [("d", NEW)]
        assert not wrong(root), (at, wrong(root))
    assert at > 15
    assert stored(root, ledger) == [("d", NEW)]
