"""A run's publication, from its claims to its end."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import Enum

from gristmill.errors import LeaseLostError
from gristmill.failpoints import point
from gristmill.model.schema import DatasetSchema
from gristmill.publish import layout, tables
from gristmill.publish.batch import adding, compare, fingerprint, lost, reading
from gristmill.publish.changes import StagedDataset, change_of, exchange
from gristmill.publish.claims import claim_in_turn
from gristmill.publish.contents import Fate, Found
from gristmill.publish.followed import Followed, Made
from gristmill.publish.lease import Clock, Heartbeat, Lease, utc_now
from gristmill.publish.log import Log
from gristmill.publish.manifest import Abandoned, Change, Manifest, Origin
from gristmill.publish.root import open_root
from gristmill.publish.settle import apply, conclude, drop, put_away
from gristmill.publish.state import RootState, read_state, write_checkpoint
from gristmill.publish.table_format import ICEBERG, PARQUET, mark
from gristmill.storage import Storage, StoredFile


class Step(Enum):
    """How far a publication is.

    NEW → CLAIMED (`claim`) → COMMITTING (`commit`) → COMMITTED (its entry is in the log) →
    PUBLISHED (its files are in their place). From CLAIMED on, `finish` ends it: as PUBLISHED where
    its entry turns out to be in the log, as DROPPED, without a trace, where it is not.
    """

    NEW = "new"
    CLAIMED = "claimed"
    COMMITTING = "committing"
    COMMITTED = "committed"
    PUBLISHED = "published"
    DROPPED = "dropped"


class Publication:
    """What one run publishes: begun, staged dataset by dataset, committed as a whole.

    `finish` has to be called whenever something after `begin` has failed.
    """

    def __init__(
        self,
        storage: Storage,
        origin: Origin,
        schemas: Collection[DatasetSchema],
        clock: Clock = utc_now,
        table_format: str | None = None,
    ) -> None:
        """`table_format` is that of a root which is made; None takes what is there, or Parquet."""
        self._storage = storage
        self._origin = origin
        self._schemas = schemas
        self._clock = clock
        self._wanted, self._format = table_format, PARQUET
        self._log = Log(storage)
        self._changes: list[StagedDataset] = []
        self._exchanges: list[Change] = []
        self._lease: Lease | None = None
        self._heartbeat: Heartbeat | None = None
        self._step = Step.NEW
        self._state = RootState(0, {})

    def begin(self, wait: timedelta, tell: Callable[[str], None]) -> None:
        """Claim the datasets, and see that they fit what the root holds of them.

        Raises `SchemaError` where one does not, and all that `claim` raises.
        """
        self.claim(wait, tell)
        for schema in self._schemas:
            self._check(schema)
            if self._format == ICEBERG:
                tables.check(schema)

    def claim(self, wait: timedelta, tell: Callable[[str], None]) -> RootState:
        """Claim the datasets, waiting for other runs that write them for as long as `wait`.

        Gives what the root holds, of which the claimed datasets stay as they are. Raises
        `BusyError` when the wait was not enough, `LeaseLostError` where the run was taken for dead
        meanwhile, `OutputError` where the root cannot be one.
        """
        open_root(self._storage, self._origin.run, self._clock())
        self._format = mark(self._storage, self._wanted)
        run, job = self._origin.run, self._origin.job
        self._lease = Lease.new(run, job, self._log.head(), self._clock())
        self._heartbeat = Heartbeat(self._storage, self._lease, self._clock)
        self._heartbeat.start()
        self._step = Step.CLAIMED
        point("begin.lease")
        deadline = self._clock() + wait
        # In one order for all, so that no two runs wait for each other.
        for name in sorted(schema.name for schema in self._schemas):
            claim_in_turn(self._storage, name, run, deadline=deadline, clock=self._clock, tell=tell)
            point("begin.claim")
        self._state = read_state(self._storage)
        if self.is_overtaken():
            # Before it had its claims, and so before anything that the commit will look at.
            raise self.overtaken()
        return self._state

    def reads(
        self,
        files: Collection[str],
        contents: Mapping[str, Found] | None = None,
        *,
        beside: Collection[str] = (),
    ) -> tuple[str, ...]:
        """Hold the files that the run reads, URIs, against what was loaded before.

        `contents` are what they hold, by URI, where that is known. Where the rows of files of
        its batch that are gone, by fingerprint, are to stay, what is staged comes `beside` all that
        the root holds of it. To be called before anything is
        staged; gives what to tell the user. Raises `InputError` where they share some with an
        earlier batch of a claimed dataset that holds others too.
        """
        uris = {fingerprint(uri): uri for uri in sorted(files)}
        self._origin = reading(self._origin, uris, contents or {})
        if beside:
            before = [
                dataset.batches[self._origin.batch]
                for dataset in self._state.datasets.values()
                if self._origin.batch in dataset.batches
            ]
            self._origin = adding(self._origin, before, beside)
        notes: list[str] = []
        for schema in self._schemas:
            if schema.name in self._state.datasets:
                batches = self._state.datasets[schema.name].batches
                notes += compare(batches, self._origin, uris)
        # The datasets of a job tend to hold the same batches.
        return tuple(dict.fromkeys(notes))

    def lost(self, contents: Mapping[str, Found]) -> Fate:
        """The files of this batch, by fingerprint, whose content is nowhere in `contents`, those
        that the run reads by URI, so that their rows would go."""
        now = {fingerprint(uri): found for uri, found in contents.items()}
        for schema in self._schemas:
            if schema.write_mode == "batch" and schema.name in self._state.datasets:
                # The datasets of a job hold the same batches.
                return lost(self._state.datasets[schema.name].batches, self._origin, now)
        return Fate(new=frozenset(now))

    def follows(self, made: Made) -> None:
        """Write down, with the commit, of what the run makes its datasets."""
        self._origin = replace(self._origin, made=made)

    def followed(self, dataset: str) -> tuple[Followed, ...]:
        """What earlier runs made of what in a claimed dataset."""
        found = self._state.datasets.get(dataset)
        return found.followed if found else ()

    def _check(self, schema: DatasetSchema) -> None:
        if schema.name in self._state.datasets:
            schema.check_compatible(self._state.datasets[schema.name].schema)

    def folder(self, dataset: str) -> str:
        """Where the files of `dataset` are to be staged; those of a table of Iceberg stay there."""
        if self._format == ICEBERG:
            return layout.written(dataset, self._origin.batch, self._origin.run)
        return f"{layout.stage(self._origin.run)}/{dataset}"

    @property
    def rest(self) -> str:
        """Where what is of no dataset may lie as long as the run works."""
        return f"{layout.stage(self._origin.run)}/_rest"

    def staged(self, dataset: str) -> list[StoredFile]:
        """The files that are staged for `dataset`."""
        return self._storage.data_files(self.folder(dataset))

    def dataset_uri(self, dataset: str) -> str | None:
        """The URI of a claimed dataset's folder; None where the root holds no file of it."""
        found = self._state.datasets.get(dataset)
        return f"{self._storage.root}/{dataset}" if found and found.files else None

    def held(self, dataset: str, folder: str) -> list[str]:
        """The files that the root holds of a partition, by their paths below the dataset."""
        found = self._state.datasets.get(dataset)
        return [path for path in found.files if layout.partition(path) == folder] if found else []

    def all_held(self, dataset: str) -> list[str]:
        """What there is of a dataset, as paths below it: its folder, or the files of a table of
        Iceberg, beside which others lie that are not its own any more."""
        found = self._state.datasets.get(dataset)
        return sorted(found.files) if found and self._format == ICEBERG else [""]

    def batch_rows(self, dataset: str) -> Mapping[str, int]:
        """The rows that the root holds of the batch that this run loads into a dataset, by the
        folder of their partition."""
        found = self._state.datasets.get(dataset)
        prefix = f"{self._origin.batch}-"
        rows: dict[str, int] = {}
        for path, file in found.files.items() if found else ():
            if layout.writer(path).startswith(prefix):
                folder = layout.partition(path)
                rows[folder] = rows.get(folder, 0) + file.rows
        return rows

    def stage(
        self, schema: DatasetSchema, rows: Sequence[int], scope: Collection[str] = ()
    ) -> None:
        """Publish, with the commit, what is staged for a dataset.

        `rows` are the rows of each staged file. `scope` are folders of partitions that the run
        replaces even where it has no file for them. Raises `SchemaError` where the dataset does
        not fit what the root holds of it.
        """
        self._check(schema)
        point("stage")
        files = self.staged(schema.name)
        self._changes.append(StagedDataset(schema, files, rows, frozenset(scope)))

    def remove(self, dataset: str, files: Collection[str]) -> None:
        """Take out, with the commit, files that the root holds of a claimed dataset."""
        schema = self._state.datasets[dataset].schema
        self._exchanges.append(Change(schema, (), (), tuple(sorted(files))))

    def exchange(
        self,
        dataset: str,
        rows: Sequence[int],
        removed: Collection[str],
        superseded: Collection[str],
    ) -> None:
        """Publish, with the commit, what is staged for a claimed dataset in the place of files that
        the root holds of it, and of other batches; `rows` are those of each staged file."""
        staged = StagedDataset(
            self._state.datasets[dataset].schema, self.staged(dataset), rows, frozenset()
        )
        into = self.folder(dataset) if self._format == ICEBERG else None
        self._exchanges.append(exchange(self._origin, staged, removed, superseded, into))

    def commit(self, lines: int, rejected: int, skipped: int = 0) -> None:
        """Publish everything that was staged.

        `lines` were read, and so many of them `rejected`, or `skipped` as a header is.

        Raises `LeaseLostError` where the run was taken for dead, or overtaken.
        """
        manifest = Manifest(
            origin=self._origin,
            committed=self._clock().isoformat(timespec="seconds"),
            lines=lines,
            rejected=rejected,
            skipped=skipped,
            changes=(*map(self._change, self._changes), *self._exchanges),
        )
        number = self._state.number + 1
        self._step = Step.COMMITTING
        point("commit.before")
        while not self._log.append(number, manifest):
            self._give_way(number)
            number += 1
        self._step = Step.COMMITTED
        point("commit.after")
        self._end(manifest)
        write_checkpoint(self._storage, self._clock())

    def _give_way(self, number: int) -> None:
        """See that entry `number`, which another run has written, does not bar this run's."""
        entry = self._log.read(number)
        names = {schema.name for schema in self._schemas}
        if (
            entry is None
            or entry.run == self._origin.run
            or (isinstance(entry, Manifest) and any(map(entry.touches, names)))
        ):
            raise self.overtaken()

    def is_overtaken(self) -> bool:
        """Whether another run has taken this one for dead, so that it cannot publish any more."""
        run = self._origin.run
        since = self._lease.base if self._lease else self._state.number
        return any(
            isinstance(entry, Abandoned) and entry.run == run and entry.by != run
            for _, entry in self._log.since(since)
        )

    def overtaken(self) -> LeaseLostError:
        """What to raise then."""
        names = ", ".join(sorted(schema.name for schema in self._schemas))
        return LeaseLostError(
            f"another run took over {names}, as this one had shown no sign of life for too long; "
            "nothing was published: run again"
        )

    def _change(self, staged: StagedDataset) -> Change:
        into = self.folder(staged.schema.name) if self._format == ICEBERG else None
        return change_of(self._storage, self._state, self._origin, staged, into)

    def _end(self, manifest: Manifest | None) -> None:
        if manifest is not None:
            apply(self._storage, manifest)
        else:
            drop(self._storage, self._origin.run)
        if self._heartbeat:
            self._heartbeat.stop()
        put_away(self._storage, self._origin.run)
        self._lease = None
        self._step = Step.PUBLISHED if manifest is not None else Step.DROPPED

    def finish(self) -> bool:
        """Carry out what was committed, or put the run away without a trace; gives which.

        May be repeated.
        """
        if self._lease is not None:
            manifest = None
            if self._step in (Step.COMMITTING, Step.COMMITTED):
                # The answer may be all that got lost of a commit, or it may yet arrive.
                by = self._origin.run
                manifest = conclude(self._storage, self._lease, by, self._clock())
            self._end(manifest)
        return self._step is Step.PUBLISHED

    def sweep(self) -> bool:
        """Delete what came into the stage after `finish`; gives whether there was anything."""
        left = drop(self._storage, self._origin.run)
        left |= bool(self._storage.names(layout.stage(self._origin.run)))
        put_away(self._storage, self._origin.run)
        return left
