"""Inputs that are named in a file: `--input @FILE`, a URI or a path on each line.

A cluster takes only so many characters of arguments; a list in S3 has room for any number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from gristmill.errors import InputError

_MARK, _COMMENT = "@", "#"
_PATTERN = frozenset("*?[{")


def is_list(uri: str) -> bool:
    """Whether an input names a list of inputs."""
    return uri.startswith(_MARK)


def file_of(uri: str) -> str:
    """The file that an input is or, of a list, that it names."""
    return uri.removeprefix(_MARK)


def is_remote(uri: str) -> bool:
    """Whether it is elsewhere than on this disk, or a database."""
    return "://" in uri or uri.startswith("jdbc:")


def expand(inputs: Iterable[str], read: Callable[[str], bytes | None]) -> tuple[str, ...]:
    """`inputs`, with what a list names in the place of the list.

    `read` gives the content of a file, None where there is none. Lines are UTF-8; empty ones and
    those that begin with `#` say nothing. A name that is neither a URI nor absolute is looked for
    in the folder of the list. Raises `InputError` where a list is not there, is empty, names
    something twice or another list.
    """
    return tuple(
        name
        for uri in inputs
        for name in (_names(file_of(uri), read(file_of(uri))) if is_list(uri) else (uri,))
    )


def expand_local(inputs: Iterable[str]) -> tuple[str, ...]:
    """`inputs`, with lists on this disk expanded; those elsewhere stay. Raises `InputError`."""
    found: list[str] = []
    for uri in inputs:
        found += [uri] if is_remote(uri) or not is_list(uri) else expand([uri], _read_local)
    return tuple(found)


def check_local(inputs: Iterable[str]) -> None:
    """See that inputs on this disk are there, before a Spark is started for them. Patterns are
    left to it. Raises `InputError`."""
    for uri in inputs:
        if is_remote(uri) or is_list(uri) or not _PATTERN.isdisjoint(uri) or Path(uri).exists():
            continue
        raise InputError(f"no such input: {Path(uri).absolute()}")


def _read_local(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read the list of inputs {path}: {error.strerror}") from error


def _names(file: str, data: bytes | None) -> Iterator[str]:
    if data is None:
        raise InputError(f"no list of inputs at {file or 'an empty name'}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{file} is no list of inputs, a URI on each line: it is not UTF-8"
        ) from error
    lines = (line.strip() for line in text.split("\n"))
    named = [line for line in lines if line and not line.startswith(_COMMENT)]
    if not named:
        raise InputError(f"{file} names no input: it has a URI on each line")
    nested = next(filter(is_list, named), None)
    if nested:
        raise InputError(f"{file} names a list, {nested}: name it beside, by --input {nested}")
    found = [_beside(file, name) for name in named]
    if twice := [name for name, count in Counter(found).items() if count > 1]:
        raise InputError(f"{file} names {twice[0]} twice, which would be read twice")
    yield from found


def _beside(file: str, name: str) -> str:
    if is_remote(name) or name.startswith("/"):
        return name
    folder, slash, _ = file.rpartition("/")
    return f"{folder}{slash}{name}"
