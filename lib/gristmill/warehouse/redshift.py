"""A dataset loaded into Redshift: the statements for it, to be run there.

https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html

They are one transaction, made for a table that holds the dataset up to an entry of the output's
log, and do nothing to one that is at another: so they may be run again, after a crash too.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from gristmill.ddl.dialects import sql_text
from gristmill.errors import UsageError
from gristmill.model.schema import DatasetSchema
from gristmill.outputs.output import Table
from gristmill.publish import layout
from gristmill.publish.state import DatasetState, read_state
from gristmill.storage import Storage
from gristmill.storage.partitions import NOTHING

FILE = "gristmill_file"
_LONGEST = 65535  # bytes of a VARCHAR
# https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html: all nested ones are
# SUPER, small ones SMALLINT, and times are in UTC.
_TYPES = {
    "string": f"VARCHAR({_LONGEST})",
    "boolean": "BOOLEAN",
    "tinyint": "SMALLINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "REAL",
    "double": "DOUBLE PRECISION",
    "binary": "VARBYTE(1024000)",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP",
}


@dataclass(frozen=True)
class LoadPlan:
    """Statements for Redshift, in their order, which bring a `table` from one entry of the log to
    another: what comes and goes, in files."""

    dataset: str
    table: str
    since: int
    log_number: int
    files_added: int
    files_removed: int
    statements: tuple[str, ...]


def redshift_type(kind: str) -> str:
    """Spark's `kind`, in Redshift's words."""
    if kind.startswith("decimal("):
        return kind.upper()
    return "SUPER" if "<" in kind else _TYPES[kind]


def plan_load(
    storage: Storage, dataset: str, table: str, role: str, since: int, *, location: str
) -> LoadPlan:
    """The statements by which a table that holds a dataset up to the entry `since` of the log, or 0
    for nothing, holds what there is now.

    `role` is the ARN of the role with which Redshift reads, `location` where the output is. Raises
    `UsageError` where there is no such dataset, and `InputError` where the log of `since` is gone.
    """
    state = read_state(storage)
    if dataset not in state.datasets:
        raise UsageError(f"{storage.root} has no dataset {dataset}")
    if since > state.number:
        raise UsageError(f"--since {since}: the log is at {state.number}")
    now = state.datasets[dataset]
    earlier = read_state(storage, since).datasets if since else {}
    before = earlier[dataset].files if dataset in earlier else {}
    known = dict(earlier[dataset].schema.fields) if dataset in earlier else dict(now.schema.fields)
    new, gone = sorted(now.files.keys() - before.keys()), sorted(before.keys() - now.files.keys())
    work = _Work(storage, now, table, role, location.replace("s3a://", "s3://", 1), since)
    statements = (
        *work.begin(),
        *work.widen(known),
        *work.remove(gone),
        *work.add(new),
        *work.end(state.number),
    )
    return LoadPlan(dataset, table, since, state.number, len(new), len(gone), statements)


@dataclass(frozen=True)
class _Work:
    storage: Storage
    held: DatasetState
    table: str
    role: str
    location: str
    since: int

    @property
    def schema(self) -> DatasetSchema:
        return self.held.schema

    @property
    def name(self) -> str:
        return ".".join(_quoted(part) for part in self.table.split("."))

    @property
    def loads(self) -> str:
        prefix, dot, _ = self.name.rpartition(".")
        return f'{prefix}{dot}"gristmill_loads"'

    @property
    def mine(self) -> str:
        """That the table is where the statements begin."""
        return (
            f"EXISTS (SELECT 1 FROM {self.loads} WHERE table_name = {sql_text(self.table)} "
            f"AND output = {sql_text(self.location)} AND log_number = {self.since})"
        )

    def begin(self) -> Iterator[str]:
        yield "BEGIN"
        yield (
            f"CREATE TABLE IF NOT EXISTS {self.loads} (table_name VARCHAR(256) NOT NULL, "
            "output VARCHAR(2048) NOT NULL, log_number BIGINT NOT NULL)"
        )
        # Two that load one after the other: the second finds another number.
        yield f"LOCK {self.loads}"
        columns = ", ".join(f"{_quoted(name)} {redshift_type(t)}" for name, t in self.schema.fields)
        yield f"CREATE TABLE IF NOT EXISTS {self.name} ({_quoted(FILE)} VARCHAR(2048), {columns})"
        if self.since == 0:
            yield (
                f"INSERT INTO {self.loads} SELECT {sql_text(self.table)}, "
                f"{sql_text(self.location)}, 0 WHERE NOT EXISTS (SELECT 1 FROM {self.loads} "
                f"WHERE table_name = {sql_text(self.table)})"
            )

    def widen(self, known: Container[str]) -> Iterator[str]:
        """Columns that have come. Where they are there already, as the statements were run before,
        Redshift takes nothing of them: it has no way to ask."""
        for name, kind in self.schema.fields:
            if name not in known:
                yield f"ALTER TABLE {self.name} ADD COLUMN {_quoted(name)} {redshift_type(kind)}"

    def remove(self, gone: Sequence[str]) -> Iterator[str]:
        if gone:
            listed = ", ".join(map(sql_text, gone))
            yield f"DELETE FROM {self.name} WHERE {_quoted(FILE)} IN ({listed}) AND {self.mine}"

    def add(self, new: Sequence[str]) -> Iterator[str]:
        """Each file by itself, as COPY has no name for the file that a row is of."""
        kinds = dict(self.schema.fields)
        stages: dict[tuple[str, ...], str] = {}
        for path, columns in self._columns(new).items():
            if columns not in stages:
                stages[columns] = f'"gristmill_stage_{len(stages)}"'
                listed = ", ".join(f"{_quoted(n)} {redshift_type(kinds[n])}" for n in columns)
                yield f"CREATE TEMP TABLE {stages[columns]} ({listed})"
            stage = stages[columns]
            nested = " SERIALIZETOJSON" if any("<" in kinds[name] for name in columns) else ""
            place = sql_text(f"{self.location}/{self.schema.name}/{path}")
            read = f"IAM_ROLE {sql_text(self.role)} FORMAT AS PARQUET{nested}"
            yield f"COPY {stage} FROM {place} {read}"
            values = self._partition(path)
            targets = ", ".join(_quoted(name) for name in (FILE, *columns, *values))
            sources = ", ".join([sql_text(path), *map(_quoted, columns), *values.values()])
            yield (
                f"INSERT INTO {self.name} ({targets}) SELECT {sources} FROM {stage} "
                f"WHERE {self.mine}"
            )
            # TRUNCATE would end the transaction.
            yield f"DELETE FROM {stage}"
        for stage in stages.values():
            # A session outlives it, and may run this again.
            yield f"DROP TABLE {stage}"

    def end(self, number: int) -> Iterator[str]:
        yield (
            f"UPDATE {self.loads} SET log_number = {number} "
            f"WHERE table_name = {sql_text(self.table)} AND output = {sql_text(self.location)} "
            f"AND log_number = {self.since}"
        )
        yield "COMMIT"

    def _columns(self, paths: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The columns of each file in its order, by which COPY goes."""
        only = {path: self.held.files[path] for path in paths}
        table = Table(self.storage, self.schema.name, DatasetState(self.schema, only))
        return dict(zip(sorted(only), table.file_columns(), strict=True))

    def _partition(self, path: str) -> dict[str, str]:
        kinds = dict(self.schema.fields)
        found = {}
        for part in filter(None, layout.partition(path).split("/")):
            name, _, text = part.partition("=")
            kind = redshift_type(kinds[unquote(name)])
            value = "NULL" if text == NOTHING else f"CAST({sql_text(unquote(text))} AS {kind})"
            found[unquote(name)] = value
        return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
