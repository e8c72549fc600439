"""A database, 40 days of archived logs, 3 of logs, and 30 hours of backups."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


def prepare(folder: Path) -> None:
    """Make them."""
    data = folder / "data"
    (data / "archive").mkdir(parents=True, exist_ok=True)
    (data / "logs").mkdir(exist_ok=True)
    (data / "backups" / "hourly").mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(data / "app.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)")
        database.execute("INSERT OR IGNORE INTO orders VALUES (1)")
    for age in range(1, 41):
        day = NOW - timedelta(days=age)
        file = data / "archive" / f"{day:%Y-%m-%d}.log.gz"
        file.write_bytes(b"")
    for age in range(3):
        day = NOW - timedelta(days=age)
        (data / "logs" / f"{day:%Y-%m-%d}.log").write_text("all is well\n", encoding="utf-8")
    for age in range(1, 31):
        hour = NOW - timedelta(hours=age)
        (data / "backups" / "hourly" / f"{hour:%Y-%m-%dT%H}.db").write_bytes(b"")
