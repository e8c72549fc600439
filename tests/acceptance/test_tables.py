"""The job of docs/tables.md, as a file of one's own, on a CSV file and on a database."""

import re
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import gristmill
from tests.acceptance.test_own_jobs import inside
from tests.support.process import ROOT

PAGE = (ROOT / "docs" / "tables.md").read_text()

CSV = """\
order_id;placed;amount;currency;note;channel
1;05.01.2026;12.50;EUR;"two
lines";web
2;soon;1.00;EUR;;web
3;06.01.2026;a lot;EUR;;shop
4;06.01.2026;3;USD;;shop
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.thorough
def test_the_job_of_the_page_loads_a_file_and_says_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "shop_orders.py").write_text(blocks("python")[0])
    (tmp_path / "orders.csv").write_text(CSV)
    command, *told = blocks("console")[0].splitlines()
    done = inside(tmp_path, *command.split()[2:])
    assert done.code == 0, done.err
    # The Java and the folder are others.
    said = (done.err + done.out).replace(tmp_path.as_uri(), "file:///home/me")
    assert [line for line in told[1:] if not line.startswith("$")]
    for line in told[1:]:
        assert line.startswith("$") or line in said
    rows = gristmill.open(tmp_path / "out")["shop_orders"].arrow().to_pylist()
    assert sorted((row["id"], str(row["placed"]), row["amount"], row["note"]) for row in rows) == [
        (1, "2026-01-05", Decimal("12.50"), "two\nlines"),
        (4, "2026-01-06", Decimal("3.00"), None),
    ]


@pytest.mark.thorough
def test_the_same_columns_come_from_a_database(tmp_path: Path) -> None:
    first, second = blocks("python")
    whole = first.replace(
        "JOB = Job", second.replace("shop.orders", "orders") + "\nJOB = Job"
    ).replace("reads=ORDERS", "reads=READER")
    (tmp_path / "shop_orders.py").write_text(whole)
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("create table orders (id, placed, amount, currency, note)")
        database.execute("insert into orders values (7, '05.01.2026', 9.99, 'EUR', null)")
    url = f"jdbc:sqlite:{tmp_path / 'shop.db'}"
    done = inside(tmp_path, "run", "shop_orders.py", "--input", url, "--output", "out")
    assert done.code == 0, done.err
    (row,) = gristmill.open(tmp_path / "out")["shop_orders"].arrow().to_pylist()
    assert (row["id"], row["amount"]) == (7, Decimal("9.99"))
    assert date.fromisoformat(str(row["placed"])) == date(2026, 1, 5)
