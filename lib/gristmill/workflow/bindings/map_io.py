"""Where a distributed Map reads its items, and writes its results: objects in buckets.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html and
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html.
"""

import csv
import gzip
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TextIO

from gristmill.workflow.data.jsonpath import NotThereError
from gristmill.workflow.errors import ITEM_READER, RESULT_WRITER, StatesError
from gristmill.workflow.interpreter.spool import Spool
from gristmill.workflow.values import Json, dump

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_MOST_ROWS = 10_000


class Objects(Protocol):
    """Where objects lie: in folders, or in AWS's buckets."""

    def has(self, bucket: str) -> bool:
        """Whether a bucket is there."""

    def listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Json]]:
        """The objects of a bucket with a prefix, by key."""

    def opened(self, bucket: str, key: str) -> AbstractContextManager[Path | None]:
        """A file with what is in an object; None where there is none."""

    def write(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""


class MapFiles:
    """Reads and writes what maps do."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def read_items(self, asked: dict[str, Json], file: Path) -> Json:
        """Read the items of a map into a file. Raises `StatesError`."""
        config = asked["config"]
        try:
            items = self._items(asked, config)
            most = config.get("MaxItems") or None
            return Spool.write(file, itertools.islice(items, most))
        except StatesError:
            raise
        except (OSError, ValueError, LookupError) as error:
            raise StatesError(ITEM_READER, f"{error}") from error

    def _items(self, asked: Mapping[str, Any], config: Mapping[str, Any]) -> Iterable[Json]:
        parameters = asked["parameters"]
        bucket = self._bucket(parameters, ITEM_READER)
        if asked["resource"].endswith("listObjectsV2"):
            found = self._objects.listed(bucket, str(parameters.get("Prefix") or ""))
            if config.get("Transformation") == "LOAD_AND_FLATTEN":
                return itertools.chain.from_iterable(
                    self._read(bucket, str(one["Key"]), config) for one in found
                )
            return found
        return self._read(bucket, str(parameters.get("Key") or ""), config)

    def _bucket(self, parameters: Mapping[str, Any], error: str) -> str:
        name = str(parameters.get("Bucket") or "")
        if not self._objects.has(name):
            raise StatesError(error, f"The specified bucket does not exist: {name!r}")
        return name

    def _read(self, bucket: str, key: str, config: Mapping[str, Any]) -> Iterator[Json]:
        with self._objects.opened(bucket, key) as file:
            if file is None:
                name = f"{bucket}/{key}"
                raise StatesError(ITEM_READER, f"The specified key does not exist: {name}")
            yield from self._rows(bucket, file, config)

    def _rows(self, bucket: str, file: Path, config: Mapping[str, Any]) -> Iterator[Json]:
        kind = config.get("InputType", "JSON")
        if kind == "PARQUET":
            yield from _parquet(file)
            return
        if kind == "MANIFEST":
            yield from self._manifest(bucket, file)
            return
        with _text(file) as stream:
            if kind == "CSV":
                yield from _csv(stream, config)
            elif kind == "JSONL":
                yield from (json.loads(line) for line in stream if line.strip())
            elif kind == "JSON":
                yield from _json(stream, config)
            else:
                raise StatesError(ITEM_READER, f"there is no InputType {kind!r}")

    def _manifest(self, bucket: str, file: Path) -> Iterator[Json]:
        """The objects of an S3 inventory."""
        document = json.loads(file.read_text(encoding="utf-8"))
        names = [one.strip() for one in document["fileSchema"].split(",")]
        there = str(document["destinationBucket"]).rpartition(":")[2]
        there = there if self._objects.has(there) else bucket
        for one in document["files"]:
            with self._objects.opened(there, one["key"]) as inner:
                if inner is None:
                    name = f"{there}/{one['key']}"
                    raise StatesError(ITEM_READER, f"The specified key does not exist: {name}")
                with _text(inner) as stream:
                    for row in csv.reader(stream):
                        yield dict(zip(names, row, strict=False))

    def write_results(self, asked: dict[str, Json], results: Path, map_run: str) -> Json:
        """Write results, those that failed apart, and a manifest. Raises `StatesError`."""
        parameters, config = asked["parameters"], asked["config"]
        bucket = self._bucket(parameters, RESULT_WRITER)
        prefix = str(parameters.get("Prefix") or "").strip("/")
        name = map_run.rpartition(":")[2]
        base = f"{prefix}/{name}" if prefix else name
        try:
            return self._written(config, results, (bucket, base, map_run))
        except OSError as error:
            raise StatesError(RESULT_WRITER, str(error)) from error

    def _written(
        self,
        config: Mapping[str, Any],
        results: Path,
        where: tuple[str, str, str],
    ) -> Json:
        bucket, base, map_run = where
        is_lines = config.get("OutputType") == "JSONL"
        ending = "jsonl" if is_lines else "json"
        files: dict[str, list[Json]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        for status in ("SUCCEEDED", "FAILED"):
            for number, rows in enumerate(_pages(_told(results, status, config))):
                key = f"{base}/{status}_{number}.{ending}"
                text = "".join(dump(row) + "\n" for row in rows) if is_lines else dump(rows)
                content = text.encode("utf-8", "surrogatepass")
                self._objects.write(bucket, key, content)
                files[status].append({"Key": key, "Size": len(content)})
        manifest = {
            "DestinationBucket": bucket,
            "MapRunArn": map_run,
            "ResultFiles": files,
        }
        key = f"{base}/manifest.json"
        self._objects.write(bucket, key, dump(manifest).encode())
        results.unlink(missing_ok=True)
        return {
            "MapRunArn": map_run,
            "ResultWriterDetails": {"Bucket": bucket, "Key": key},
        }


def _told(results: Path, status: str, config: Mapping[str, Any]) -> Iterator[Json]:
    transformation = config.get("Transformation", "NONE")
    with results.open(encoding="utf-8", errors="surrogatepass") as stream:
        for line in stream:
            row = json.loads(line)
            if row["Status"] != status:
                continue
            output = row["Output"]
            if status == "FAILED" or transformation == "NONE":
                output = None if output is None else dump(output)
                yield {**row, "Input": dump(row["Input"]), "Output": output}
            elif transformation == "FLATTEN" and isinstance(output, list):
                yield from output
            else:
                yield output


def _pages(rows: Iterable[Json]) -> Iterator[list[Json]]:
    iterator = iter(rows)
    while page := list(itertools.islice(iterator, _MOST_ROWS)):
        yield page


def _text(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _csv(stream: TextIO, config: Mapping[str, Any]) -> Iterator[Json]:
    delimiter = _DELIMITERS.get(str(config.get("CSVDelimiter", "COMMA")), ",")
    rows = csv.reader(stream, delimiter=delimiter)
    if config.get("CSVHeaderLocation") == "GIVEN":
        names = [str(one) for one in config.get("CSVHeaders") or ()]
    else:
        names = next(rows, [])
    for row in rows:
        if row:
            # Of a row that is too short the rest is empty; what is too much is left out.
            yield {name: row[at] if at < len(row) else "" for at, name in enumerate(names)}


def _json(stream: TextIO, config: Mapping[str, Any]) -> Iterator[Json]:
    document = json.load(stream)
    pointer = str(config.get("ItemsPointer") or "")
    for step in filter(None, pointer.split("/")):
        try:
            document = document[int(step) if isinstance(document, list) else step]
        except (LookupError, ValueError) as error:
            raise NotThereError(f"there is nothing at {pointer}") from error
    if isinstance(document, dict):
        yield from ({"Key": name, "Value": one} for name, one in document.items())
        return
    if not isinstance(document, list):
        raise StatesError(ITEM_READER, "Attempting to map over non-iterable node.")
    yield from document


def _parquet(file: Path) -> Iterator[Json]:
    # pyarrow takes a moment to load, and few maps read Parquet.
    import pyarrow.parquet as pq  # noqa: PLC0415

    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(_MOST_ROWS):
            for row in batch.to_pylist():
                yield json.loads(json.dumps(row, default=str))
