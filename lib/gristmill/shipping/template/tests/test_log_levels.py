"""What the job makes of a log, line by line."""

from datetime import date

from jobs.log_levels import JOB

import gristmill

LOG = """\
2026-11-26T23:59:59Z INFO the mill stands still
2026-11-27T00:00:01Z ERROR no grain
2026-11-27T00:00:02Z ERROR no grain: 3 sacks
what is this
2026-13-45T00:00:00Z INFO a day that there is not
"""


def test_every_line_is_counted_or_rejected(tmp_path):
    (tmp_path / "mill.log").write_text(LOG)
    report = gristmill.run(JOB, input=tmp_path / "mill.log", output=tmp_path / "out")
    assert report.lines == 5
    assert report.rejects == {"not_this_format": 1, "no_such_day": 1}
    rows = gristmill.open(tmp_path / "out")["log_levels"].arrow().to_pylist()
    assert sorted(rows, key=str) == [
        {"level": "ERROR", "messages": 2, "date": date(2026, 11, 27)},
        {"level": "INFO", "messages": 1, "date": date(2026, 11, 26)},
    ]
