"""What a run says of itself, on the terminal and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, Literal

from gristmill.errors import OutputError


@dataclass(frozen=True)
class DatasetReport:
    """What a run published into one dataset. `bytes` are bytes of Parquet; `uri` is its folder."""

    name: str
    rows: int
    partitions: int
    files: int
    bytes: int
    uri: str


@dataclass(frozen=True)
class Report:
    """A run, finished or failed; the JSON has these fields under these names.

    `started` is ISO 8601 in UTC. `seconds` is how long the run took, with the start of Spark;
    `phases` how many of them went to each phase, in their order: starting, waiting (for another
    run), listing, reading, working (reading and writing), publishing.
    `lines` are the lines or rows that were read, `skipped` those that are neither rows nor wrong,
    such as headers, and `rejects` counts those that were rejected, by reason. `unread` counts the
    values that could not be read and are null in rows that are good without them, by column.
    `tuning` says what stood still and what to set instead, of a run that was long enough to gain by
    it; `event_log` is where Spark keeps the events of the run, for its History Server.
    `error` is null unless `state` is `failed`.
    """

    run: str
    job: str
    state: Literal["succeeded", "failed"]
    options: Mapping[str, Any]
    inputs: tuple[str, ...]
    output: str
    started: str
    seconds: float
    phases: Mapping[str, float] = field(default_factory=dict)
    lines: int | None = None
    rejected: int | None = None
    skipped: int | None = None
    rejects: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    datasets: tuple[DatasetReport, ...] = ()
    notes: tuple[str, ...] = ()
    tuning: tuple[str, ...] = ()
    event_log: str | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return asdict(self)

    def to_bytes(self) -> bytes:
        """The report as a JSON document in UTF-8."""
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n"
        return text.encode("utf-8", errors="replace")

    @staticmethod
    def from_bytes(data: bytes) -> "Report":
        """The report that `to_bytes` gave. Raises `ValueError` for anything else."""
        try:
            told = json.loads(data)
            datasets = tuple(DatasetReport(**dataset) for dataset in told.pop("datasets"))
            inputs, notes = tuple(told.pop("inputs")), tuple(told.pop("notes"))
            # Runs of before say nothing of it.
            tuning = tuple(told.pop("tuning", ()))
            # As it was called before.
            told["state"] = "succeeded" if told["state"] == "done" else told["state"]
            return Report(**told, inputs=inputs, notes=notes, tuning=tuning, datasets=datasets)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not a report: {error}") from error

    def _repr_html_(self) -> str:
        """The report as Jupyter shows it."""
        heading, rows = table(self)
        cells = "".join(f"<th>{escape(name)}</th>" for name in heading)
        lines = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        error = f"<p><b>{escape(self.error)}</b></p>" if self.error else ""
        return (
            f"<div><p><b>{escape(summary(self))}</b></p>{error}"
            + (f"<table><tr>{cells}</tr>{lines}</table>" if rows else "")
            + (f"<ul>{notes}</ul>" if notes else "")
            + f"<p><small>run {escape(self.run)}</small></p></div>"
        )

    def write(self, path: Path) -> None:
        """Write the report as JSON. Raises `OutputError`."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.to_bytes())
        except OSError as error:
            raise OutputError(f"cannot write the report to {path}: {error.strerror}") from error


def table(report: Report) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Heading and rows of what was published, for a terminal."""
    heading = ("dataset", "rows", "partitions", "files", "bytes", "where")
    rows = [
        (
            dataset.name,
            f"{dataset.rows:,}",
            f"{dataset.partitions:,}",
            f"{dataset.files:,}",
            size(dataset.bytes),
            dataset.uri,
        )
        for dataset in report.datasets
    ]
    return heading, rows


def summary(report: Report) -> str:
    """The run in one line: lines in, rejects, seconds."""
    parts = [f"{report.job}: {report.lines or 0:,} lines in"]
    if report.rejected:
        reasons = ", ".join(f"{code} {count:,}" for code, count in sorted(report.rejects.items()))
        parts.append(f"{report.rejected:,} rejected ({reasons})")
    else:
        parts.append("0 rejected")
    if report.skipped:
        parts.append(f"{report.skipped:,} skipped")
    parts.append(f"{report.seconds:.1f} s")
    return ", ".join(parts)


def size(count: int) -> str:
    """A number of bytes for reading: `999 B`, `1.5 MB`."""
    if count < 1000:
        return f"{count} B"
    amount = count / 1000
    for unit in ("kB", "MB", "GB"):
        if amount < 999.95:  # which would round to 1000.0
            return f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def plain(amount: Decimal | int) -> str:
    """A number for reading, exact and without zeros at its end: `1,234.5`."""
    text = f"{amount:,f}" if isinstance(amount, Decimal) else f"{amount:,}"
    return text.rstrip("0").rstrip(".") if "." in text else text
