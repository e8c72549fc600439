"""Backups of a database, its logs, and patches of environments."""

import gzip
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"
_KINDS = ("weekly", "daily", "hourly")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def kind_of(moment: datetime) -> str:
    """What a backup of an hour counts as: the first of a week or a day is kept longer."""
    if moment.hour:
        return "hourly"
    return "daily" if moment.weekday() else "weekly"


def back_up(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Copy the database as it is at one moment, while it is in use. The same hour is one file."""
    moment = _at(event["at"])
    target = FOLDER / "backups" / kind_of(moment) / f"{moment:%Y-%m-%dT%H}.db"
    target.parent.mkdir(parents=True, exist_ok=True)
    source, copy = sqlite3.connect(FOLDER / "app.db"), sqlite3.connect(target)
    with closing(source), closing(copy):
        source.backup(copy)
    return {"at": event["at"], "file": target.name}


def rotate(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Keep the newest of each kind, and delete the rest."""
    kept = 0
    for kind in _KINDS:
        files = sorted((FOLDER / "backups" / kind).glob("*.db"))
        keep = event["keep"][kind]
        for old in files[:-keep]:
            old.unlink()
        kept += min(len(files), keep)
    return {"kept": kept}


def archive_logs(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Pack logs of days that are over, begin the current one anew, expire what is too old."""
    moment = _at(event["at"])
    archive = FOLDER / "archive"
    archive.mkdir(parents=True, exist_ok=True)
    for log in sorted((FOLDER / "logs").glob("*.log")):
        if log.stem < f"{moment:%Y-%m-%d}":
            with gzip.open(archive / f"{log.name}.gz", "wb") as packed:
                packed.write(log.read_bytes())
            log.unlink()
    oldest = f"{moment - timedelta(days=event['days']):%Y-%m-%d}"
    for one in archive.glob("*.gz"):
        if one.name[:10] < oldest:
            one.unlink()
    # What there is, not what was done: who is asked again after a crash says the same.
    current = len(list((FOLDER / "logs").glob("*.log")))
    return {"archived": len(list(archive.glob("*.gz"))), "current": current}


def patch(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Patch an environment. Done again it stays patched."""
    mark = FOLDER / "environments" / event["name"]
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(f"{datetime.now(UTC):%Y-%m-%d}", encoding="utf-8")
    return {}


def health(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Whether an environment answers."""
    return {"well": not event.get("breaks", False)}
