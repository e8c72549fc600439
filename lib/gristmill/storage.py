"""The few filesystem verbs that Gristmill needs, on Hadoop's FileSystem.

Through it local disk, HDFS and S3A behave alike, with the credentials that Spark has.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from gristmill.errors import OutputError

HIDDEN = ("_", ".")
"""Names that start so are not data: Spark, Hive and Athena pass them over."""


@dataclass(frozen=True)
class StoredFile:
    """A file: its path relative to the folder that was listed, and its size in bytes."""

    path: str
    size: int


class Storage:
    """Files below one root, a path or URI; every path given to a verb is relative to it."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        jvm: Any = spark._jvm
        conf = spark._jsc.hadoopConfiguration()
        base = jvm.org.apache.hadoop.fs.Path(root)
        self._jvm = jvm
        filesystem = base.getFileSystem(conf)
        self._root = filesystem.makeQualified(base)
        if self._root.toUri().getScheme() == "file":
            # Without .crc files: they would lie in the datasets, beside the data.
            filesystem = jvm.org.apache.hadoop.fs.FileSystem.getLocal(conf).getRawFileSystem()
        self._fs: Any = filesystem
        text: str = self._root.toString()
        # Hadoop prints a local URI with one slash; every other tool wants three.
        self.root = "file://" + text[5:] if text.startswith("file:/") else text
        """The root as a URI."""

    def uri(self, path: str) -> str:
        """`path` below the root, as a URI."""
        return f"{self.root}/{path}"

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder."""
        found: bool = self._fs.exists(self._path(path))
        return found

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder."""
        return self.exists(path) and bool(self._fs.getFileStatus(self._path(path)).isDirectory())

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        if not self.is_folder(path):
            return []
        listed = self._fs.listStatus(self._path(path))
        return sorted(status.getPath().getName() for status in listed)

    def data_files(self, path: str) -> list[StoredFile]:
        """The files below a folder, at any depth, without hidden ones; sorted by path."""
        return sorted(self._walk(path, ""), key=lambda file: file.path)

    def _walk(self, folder: str, prefix: str) -> Iterator[StoredFile]:
        if not self.is_folder(folder):
            return
        for status in self._fs.listStatus(self._path(folder)):
            name = status.getPath().getName()
            if name.startswith(HIDDEN):
                continue
            if status.isDirectory():
                yield from self._walk(f"{folder}/{name}" if folder else name, f"{prefix}{name}/")
            else:
                yield StoredFile(f"{prefix}{name}", status.getLen())

    def read_json(self, path: str) -> Any:
        """The JSON document in a small file."""
        stream = self._fs.open(self._path(path))
        try:
            data = self._jvm.org.apache.commons.io.IOUtils.toByteArray(stream)
        finally:
            stream.close()
        return json.loads(bytes(data))

    def write_json(self, path: str, document: Any) -> None:
        """Write a small file whole: a reader finds all of it or none."""
        data = bytearray(json.dumps(document, indent=1).encode() + b"\n")
        whole, part = self._path(path), self._path(f"{path}.part")
        self._fs.mkdirs(whole.getParent())
        stream = self._fs.create(part, True)
        try:
            stream.write(data)
        finally:
            stream.close()
        self._rename(part, whole)

    def move(self, source: str, target: str) -> None:
        """Move a file to a name that is free, making its folder."""
        self._fs.mkdirs(self._path(target).getParent())
        self._rename(self._path(source), self._path(target))

    def _rename(self, source: Any, target: Any) -> None:
        if not self._fs.rename(source, target):
            raise OutputError(f"cannot move {source.toString()} to {target.toString()}")

    def delete(self, path: str) -> None:
        """Delete a file, or a folder and all in it; nothing where there is none."""
        self._fs.delete(self._path(path), True)

    def delete_empty_folder(self, path: str) -> None:
        """Delete a folder if nothing is in it."""
        if not self.names(path):
            self.delete(path)

    def _path(self, path: str) -> Any:
        new = self._jvm.org.apache.hadoop.fs.Path
        return new(self._root, path) if path else self._root


def head(spark: SparkSession, uri: str, size: int) -> bytes:
    """The first `size` bytes of a file, or all of it where it is shorter."""
    jvm: Any = spark._jvm
    path = jvm.org.apache.hadoop.fs.Path(jvm.java.net.URI(uri))
    filesystem = path.getFileSystem(spark._jsc.hadoopConfiguration())
    with contextlib.closing(filesystem.open(path)) as stream:
        bounded = jvm.org.apache.commons.io.input.BoundedInputStream(stream, size)
        return bytes(jvm.org.apache.commons.io.IOUtils.toByteArray(bounded))


def is_literal(spark: SparkSession, uri: str) -> bool:
    """Whether `uri` names an existing file or folder as it stands, glob characters and all."""
    jvm: Any = spark._jvm
    try:
        path = jvm.org.apache.hadoop.fs.Path(uri)
        conf = spark._jsc.hadoopConfiguration()
        found: bool = path.getFileSystem(conf).exists(path)
    except Py4JJavaError:
        return False
    return found
