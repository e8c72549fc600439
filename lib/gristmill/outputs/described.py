"""A published dataset as a table of another engine."""

from urllib.parse import unquote

from gristmill.catalogue import known_datasets
from gristmill.ddl.dialects import Described
from gristmill.errors import UsageError
from gristmill.outputs.output import Output, Table
from gristmill.publish.batch import one_spelling
from gristmill.storage.partitions import NOTHING


def described(output: Output, name: str, place: str) -> Described:
    """A dataset with all that is known of it; `place` is where its output is, or will be."""
    metadata = output.table_metadata(name)
    if metadata and one_spelling(f"{place}/{name}") != one_spelling(output[name].uri):
        raise UsageError(f"{name} is a table of Iceberg, which is of the place where it was made")
    table, known = output[name], known_datasets().get(name)
    said, comments = (known.help, known.comments) if known else ("", {})
    return Described(
        table.dataset_schema,
        f"{place}/{name}",
        _values(table),
        said,
        is_empty=not table.files,
        comments=comments,
        folders={_of(folder): folder for folder in table.partitions if folder},
        metadata=metadata,
    )


def _values(table: Table) -> dict[str, list[str | None]]:
    """The values of the columns by which a dataset is partitioned, as its folders have them."""
    found: dict[str, list[str | None]] = {}
    for folder in table.partitions:
        for part in folder.split("/"):
            name, _, value = part.partition("=")
            known = found.setdefault(unquote(name), [])
            text = None if value == NOTHING else unquote(value)
            # A path that is written otherwise than its value cannot be worked out.
            known.append(text if text is None or text == value else value)
    return found


def _of(folder: str) -> tuple[str, ...]:
    """The values of a partition's folder, as a catalogue has them."""
    return tuple(unquote(part.partition("=")[2]) for part in folder.split("/"))
