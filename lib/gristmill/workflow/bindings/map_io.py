"""Where a distributed Map reads its items, and writes its results: objects in buckets.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html and
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html.
"""

import csv
import gzip
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from gristmill.workflow.bindings.objects import inside, listed, write
from gristmill.workflow.data.jsonpath import NotThereError
from gristmill.workflow.errors import ITEM_READER, RESULT_WRITER, StatesError
from gristmill.workflow.interpreter.spool import Spool
from gristmill.workflow.values import Json, dump

_DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
_MOST_ROWS = 10_000


class MapFiles:
    """Reads and writes in folders that stand for buckets."""

    def __init__(self, buckets: Mapping[str, Path]) -> None:
        self._buckets = buckets

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
        folder = self._folder(parameters, ITEM_READER)
        if asked["resource"].endswith("listObjectsV2"):
            found = listed(folder, str(parameters.get("Prefix") or ""))
            if config.get("Transformation") == "LOAD_AND_FLATTEN":
                keys = [str(one["Key"]) for one in found]
                return itertools.chain.from_iterable(
                    self._read(folder / key, config) for key in keys
                )
            return found
        file = inside(folder, str(parameters.get("Key") or ""))
        if not file.is_file():
            name = f"{parameters.get('Bucket')}/{parameters.get('Key')}"
            raise StatesError(ITEM_READER, f"The specified key does not exist: {name}")
        return self._read(file, config)

    def _folder(self, parameters: Mapping[str, Any], error: str) -> Path:
        name = str(parameters.get("Bucket") or "")
        if name not in self._buckets:
            raise StatesError(error, f"The specified bucket does not exist: {name!r}")
        return self._buckets[name]

    def _read(self, file: Path, config: Mapping[str, Any]) -> Iterator[Json]:
        kind = config.get("InputType", "JSON")
        if kind == "PARQUET":
            yield from _parquet(file)
            return
        if kind == "MANIFEST":
            yield from self._manifest(file)
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

    def _manifest(self, file: Path) -> Iterator[Json]:
        """The objects of an S3 inventory."""
        document = json.loads(file.read_text(encoding="utf-8"))
        names = [one.strip() for one in document["fileSchema"].split(",")]
        folder = self._buckets.get(str(document["destinationBucket"]).rpartition(":")[2])
        for one in document["files"]:
            inner = (folder or file.parent) / one["key"]
            with _text(inner) as stream:
                for row in csv.reader(stream):
                    yield dict(zip(names, row, strict=False))

    def write_results(self, asked: dict[str, Json], results: Path, map_run: str) -> Json:
        """Write results, those that failed apart, and a manifest. Raises `StatesError`."""
        parameters, config = asked["parameters"], asked["config"]
        folder = self._folder(parameters, RESULT_WRITER)
        prefix = str(parameters.get("Prefix") or "").strip("/")
        name = map_run.rpartition(":")[2]
        base = f"{prefix}/{name}" if prefix else name
        try:
            return self._written(parameters, config, results, (folder, base, map_run))
        except OSError as error:
            raise StatesError(RESULT_WRITER, str(error)) from error

    def _written(
        self,
        parameters: Mapping[str, Any],
        config: Mapping[str, Any],
        results: Path,
        where: tuple[Path, str, str],
    ) -> Json:
        folder, base, map_run = where
        is_lines = config.get("OutputType") == "JSONL"
        ending = "jsonl" if is_lines else "json"
        files: dict[str, list[Json]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
        for status in ("SUCCEEDED", "FAILED"):
            for number, rows in enumerate(_pages(_told(results, status, config))):
                key = f"{base}/{status}_{number}.{ending}"
                text = "".join(dump(row) + "\n" for row in rows) if is_lines else dump(rows)
                content = text.encode("utf-8", "surrogatepass")
                write(inside(folder, key), content)
                files[status].append({"Key": key, "Size": len(content)})
        manifest = {
            "DestinationBucket": parameters["Bucket"],
            "MapRunArn": map_run,
            "ResultFiles": files,
        }
        key = f"{base}/manifest.json"
        write(inside(folder, key), dump(manifest).encode())
        results.unlink(missing_ok=True)
        return {
            "MapRunArn": map_run,
            "ResultWriterDetails": {"Bucket": parameters["Bucket"], "Key": key},
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
