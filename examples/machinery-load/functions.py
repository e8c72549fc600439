"""Loading what machines tell into a database, and summing it up."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_TABLE = (
    "CREATE TABLE IF NOT EXISTS told (hall TEXT, hour TEXT, machine TEXT, minutes REAL, "
    "faults INTEGER, PRIMARY KEY (hall, hour, machine))"
)


def _database() -> sqlite3.Connection:
    database = sqlite3.connect(FOLDER / "data" / "machines.db", timeout=30)
    database.execute(_TABLE)
    return database


def load(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Load one hall's hour. Done again it replaces what it has loaded."""
    rows = []
    for file in sorted((FOLDER / "data" / event["hall"] / event["hour"]).glob("*.csv")):
        with file.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                told = (float(row["minutes"]), int(row["faults"]))
                rows.append((event["hall"], event["hour"], row["machine"], *told))
    with closing(_database()) as database, database:
        database.executemany("INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)", rows)
    return {"hall": event["hall"], "rows": len(rows)}


def summarise(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Hours that all machines ran, and how many faults they had."""
    asked = "SELECT round(sum(minutes) / 60, 1), sum(faults) FROM told WHERE hour = ?"
    with closing(_database()) as database:
        hours, faults = database.execute(asked, (event["hour"],)).fetchone()
    return {"hours": hours, "faults": faults}
