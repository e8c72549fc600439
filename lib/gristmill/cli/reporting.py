"""`gristmill report`: one page of all that an output holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gristmill.cli.output import history
from gristmill.cli.show import Block, blocks
from gristmill.errors import GristmillError, InputError
from gristmill.model.report import size
from gristmill.outputs.output import open as open_datasets

_PUBLISHES = 500


@dataclass(frozen=True)
class WrittenReport:
    """A page that was written, and the parts that it has."""

    file: str
    bytes: int
    sections: tuple[str, ...]


def write(output: str, file: str, title: str | None) -> WrittenReport:
    """Write the page; it is there as a whole or not at all. Raises `GristmillError`."""
    try:
        from gristmill.pages.report.page import page, sections  # noqa: PLC0415  charts are an extra
    except ModuleNotFoundError as error:
        raise GristmillError(
            f"a report needs {error.name}: pip install 'gristmill[look]'; in a clone: make setup"
        ) from error
    log = history(output, None, _PUBLISHES).publishes
    parts = sections(open_datasets(output), log)
    name = title or output.rstrip("/").rpartition("/")[2]
    content = page(name, parts, datetime.now(UTC)).encode()
    path = Path(file)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error}") from error
    finally:
        beside.unlink(missing_ok=True)
    return WrittenReport(file, len(content), tuple(one.title for one in parts))


@blocks.register
def _(found: WrittenReport) -> Iterable[Block]:
    parts = ", ".join(found.sections) or "nothing yet"
    yield f"{found.file}: {parts} ({size(found.bytes)})"
