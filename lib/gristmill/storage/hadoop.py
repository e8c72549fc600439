"""Files wherever Spark's Hadoop can reach them: HDFS, S3 and others, with Spark's credentials."""

import contextlib
import secrets
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from gristmill.errors import OutputError
from gristmill.jvm import java_class
from gristmill.storage import HIDDEN, Storage, StoredFile
from gristmill.storage.local import LocalStorage

OBJECT_STORES = ("s3", "s3a")
_GLOB = str.maketrans({char: f"\\{char}" for char in "*?[]{}\\"})
"""Schemes of places whose files are objects."""

PATH, URI = "org.apache.hadoop.fs.Path", "java.net.URI"
_IO = "org.apache.commons.io.IOUtils"
_BOUNDED = "org.apache.commons.io.input.BoundedInputStream"
_CONTEXT, _RENAME = "org.apache.hadoop.fs.FileContext", "org.apache.hadoop.fs.Options$Rename"
_ARRAY = "java.lang.reflect.Array"
_MAX_CONCURRENCY = 16
_ATTEMPTS, _PAUSE = 3, 0.5
_FEW = 16
_SMALL = 64 * 1024 * 1024
_LENGTH = "fs.option.openfile.length"
_IF_NONE_MATCH = "fs.option.create.conditional.overwrite"  # HADOOP-19256, in Hadoop 3.4.2


class HadoopStorage:
    """Files below a root, a path or URI, through Hadoop's FileSystem."""

    def __init__(self, jvm: Any, conf: Any, root: str) -> None:
        self._jvm = jvm
        self._conf = conf
        self._new_path = java_class(jvm, PATH)
        base = self._new_path(root)
        self._fs: Any = base.getFileSystem(conf)
        self._root = self._fs.makeQualified(base)
        self._scheme: str = self._root.toUri().getScheme()
        self.root = _three_slashes(self._root.toString())
        self.max_concurrency = _MAX_CONCURRENCY if self._scheme in OBJECT_STORES else 1

    def is_file(self, path: str) -> bool:
        """Whether there is a file."""
        try:
            return bool(self._fs.getFileStatus(self._path(path)).isFile())
        except Py4JJavaError as error:
            _only_if_missing(error)
            return False

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder."""
        try:
            listed = self._fs.listStatus(self._path(path))
        except Py4JJavaError as error:
            _only_if_missing(error)
            return []
        # Hadoop lists a file as itself.
        whole = self._path(path).toString()
        found = [status.getPath() for status in listed]
        return sorted(item.getName() for item in found if item.toString() != whole)

    def data_files(self, path: str) -> list[StoredFile]:
        """The files below a folder, at any depth, without hidden ones; sorted by path."""
        return sorted(self._walk(path), key=lambda file: file.path)

    def _walk(self, folder: str) -> Iterator[StoredFile]:
        # At once at all depths: on S3 a listing takes as long for a thousand files as for one.
        start = len(self._path(folder).toString()) + 1
        try:
            found = self._fs.listFiles(self._path(folder), True)
            while found.hasNext():
                status = found.next()
                path: str = status.getPath().toString()[start:]
                if path and not any(part.startswith(HIDDEN) for part in path.split("/")):
                    yield StoredFile(path, status.getLen())
        except Py4JJavaError as error:
            _only_if_missing(error)

    def read(self, path: str) -> bytes | None:
        """A small file's content; None where there is no such file."""
        try:
            with contextlib.closing(self._fs.open(self._path(path))) as stream:
                return bytes(java_class(self._jvm, _IO).toByteArray(stream))
        except Py4JJavaError as error:
            _only_if_missing(error)
            return None

    def read_end(self, path: str, size: int, whole: int) -> bytes:
        """The last `size` bytes of a file of `whole` bytes, or all of it where it is shorter."""
        # Told how long it is, S3A does not ask.
        opening = self._fs.openFile(self._path(path)).optLong(_LENGTH, whole)
        with contextlib.closing(opening.build().get()) as stream:
            stream.seek(max(0, whole - size))
            return bytes(java_class(self._jvm, _IO).toByteArray(stream))

    def write(self, path: str, data: bytes) -> None:
        """Write a small file whole, or replace it."""
        if self._scheme in OBJECT_STORES:
            self._fill(self._fs.create(self._path(path), True), data)
        else:
            self._rename_into(path, data, java_class(self._jvm, _RENAME).OVERWRITE)

    def create(self, path: str, data: bytes) -> bool:
        """Write a small file whole, if there is none; gives whether it is this caller's."""
        for left in reversed(range(_ATTEMPTS)):
            try:
                if self._scheme in OBJECT_STORES:
                    # S3 itself refuses it where there is an object; `overwrite` only looks before.
                    builder = self._fs.createFile(self._path(path)).recursive()
                    self._fill(builder.must(_IF_NONE_MATCH, True).build(), data)
                else:
                    self._rename_into(path, data, java_class(self._jvm, _RENAME).NONE)
            except Py4JJavaError:
                # Of a request that was repeated, the answer to the first may be what got lost.
                found = self.read(path)
                if found is not None:
                    return found == data
                # S3A does not try again when another was under way (409), which then failed.
                if not left:
                    raise
                time.sleep(_PAUSE)
            else:
                break
        return True

    def _rename_into(self, path: str, data: bytes, how: Any) -> None:
        whole = self._path(path)
        name = f".{whole.getName()}.{secrets.token_hex(4)}"
        hidden = self._new_path(whole.getParent(), name)
        self._fill(self._fs.create(hidden, True), data)
        context = java_class(self._jvm, _CONTEXT).getFileContext(self._root.toUri(), self._conf)
        options = java_class(self._jvm, _ARRAY).newInstance(how.getClass(), 1)
        options[0] = how
        try:
            context.rename(hidden, whole, options)
        finally:
            self._fs.delete(hidden, False)

    def _fill(self, stream: Any, data: bytes) -> None:
        try:
            stream.write(bytearray(data))
        except BaseException:
            # To close an object that is written in part would publish that part.
            if self._scheme in OBJECT_STORES:
                stream.abort()
            else:
                stream.close()
            raise
        stream.close()

    def move(self, source: str, target: str) -> None:
        """Move a file, making its folder; what has been moved before is left as it is."""
        if self._scheme not in OBJECT_STORES:
            self._fs.mkdirs(self._path(target).getParent())
        problem: Py4JJavaError | None = None
        try:
            if self._fs.rename(self._path(source), self._path(target)):
                return
        except Py4JJavaError as error:
            problem = error
        # On S3 a rename is a copy and then a deletion, and may have stopped between the two.
        if self.is_file(target):
            self.delete(source)
        elif not self.is_file(source):
            raise FileNotFoundError(f"{self.root}/{source}")
        elif problem:
            raise problem
        else:
            raise OutputError(f"cannot move {self.root}/{source} to {target}")

    def delete(self, path: str) -> None:
        """Delete a file, or a folder and all in it; nothing where there is none."""
        self._fs.delete(self._path(path), True)

    def delete_empty_folder(self, path: str) -> None:
        """Delete a folder if nothing is in it."""
        with contextlib.suppress(Py4JJavaError):
            self._fs.delete(self._path(path), False)

    def _path(self, path: str) -> Any:
        return self._new_path(self._root, path) if path else self._root


def open_storage(spark: SparkSession, root: str) -> Storage:
    """What is at `root`, a path or URI; a path without a scheme is where Spark's Hadoop says.

    Raises `Py4JJavaError` where the scheme has no filesystem.
    """
    uri = qualified(spark, root)
    if uri.startswith("file:///"):
        return LocalStorage(uri.removeprefix("file://"))
    return HadoopStorage(spark._jvm, spark._jsc.hadoopConfiguration(), uri)


def qualified(spark: SparkSession, path: str) -> str:
    """`path`, which may be a glob, as an absolute URI; that of a database stays as it is."""
    if path.startswith("jdbc:"):
        return path
    place = java_class(spark._jvm, PATH)(path)
    filesystem = place.getFileSystem(spark._jsc.hadoopConfiguration())
    return _three_slashes(filesystem.makeQualified(place).toString())


def head(spark: SparkSession, uri: str, size: int) -> bytes:
    """The first `size` bytes of a file, or all of it where it is shorter."""
    if uri.startswith("file:///"):
        with Path(unquote(uri.removeprefix("file://"))).open("rb") as file:
            return file.read(size)
    path = path_of(spark._jvm, uri)
    filesystem = path.getFileSystem(spark._jsc.hadoopConfiguration())
    with contextlib.closing(filesystem.open(path)) as stream:
        bounded = java_class(spark._jvm, _BOUNDED)(stream, size)
        return bytes(java_class(spark._jvm, _IO).toByteArray(bounded))


def stats(spark: SparkSession, uris: Collection[str]) -> dict[str, tuple[int, int]]:
    """Size in bytes, and time of the last change in milliseconds since 1970, of files by URI.

    Those that cannot be found are left out.
    """
    found: dict[str, tuple[int, int]] = {}
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    for uri in uris:
        folder, _, name = uri.rpartition("/")
        if not uri.startswith("file:///"):
            folders[folder][unquote(name)] = uri
            continue
        with contextlib.suppress(OSError):
            status = Path(unquote(uri.removeprefix("file://"))).stat()
            found[uri] = (status.st_size, status.st_mtime_ns // 1_000_000)
    jvm: Any = spark._jvm
    for folder, names in folders.items():
        path = path_of(jvm, f"{folder}/")
        filesystem = path.getFileSystem(spark._jsc.hadoopConfiguration())
        if len(names) <= _FEW:
            listed = [_status(jvm, filesystem, uri) for uri in names.values()]
        else:
            # One request lists a thousand objects.
            listed = filesystem.listStatus(path)
        for status in filter(None, listed):
            name = status.getPath().getName()
            if name in names:
                found[names[name]] = (status.getLen(), status.getModificationTime())
    return found


def _status(jvm: Any, filesystem: Any, uri: str) -> Any:
    try:
        return filesystem.getFileStatus(path_of(jvm, uri))
    except Py4JJavaError as error:
        _only_if_missing(error)
        return None


def path_of(jvm: Any, uri: str) -> Any:
    """A URI as a path of Hadoop's."""
    return java_class(jvm, PATH)(java_class(jvm, URI)(uri))


def content(spark: SparkSession, uri: str) -> bytes:
    """All of a small file."""
    return head(spark, uri, _SMALL)


def escaped(path: str) -> str:
    """A path or URI as Spark takes it for itself, and not for a pattern."""
    return path.translate(_GLOB)


def is_literal(spark: SparkSession, uri: str) -> bool:
    """Whether `uri` names an existing file or folder as it stands, glob characters and all."""
    try:
        path = java_class(spark._jvm, PATH)(uri)
        conf = spark._jsc.hadoopConfiguration()
        found: bool = path.getFileSystem(conf).exists(path)
    except Py4JJavaError:
        return False
    return found


def _three_slashes(uri: str) -> str:
    # Hadoop prints a local URI with one slash; every other tool wants three.
    return "file://" + uri[5:] if uri.startswith("file:/") and uri[6:7] != "/" else uri


def _only_if_missing(error: Py4JJavaError) -> None:
    name: str = error.java_exception.getClass().getName()
    if name != "java.io.FileNotFoundException":
        raise error
