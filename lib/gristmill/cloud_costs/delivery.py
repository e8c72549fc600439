"""Which files of a folder are the newest delivery of an export, and which are older ones.

AWS keeps a manifest in the folder of each billing period, which lists the files that count,
https://docs.aws.amazon.com/cur/latest/userguide/access-cur-s3.html. Beside them may lie the files
of earlier deliveries, in a folder each: to read those too would count every charge again.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, takewhile
from typing import Any
from urllib.parse import unquote

from gristmill.errors import InputError

_DATA = (".csv", ".gz", ".zip", ".parquet")
_BESIDE = (".json", ".sql", ".yml")  # manifests, and what makes a table of the data in Athena
_STATUS = "cost_and_usage_data_status"  # AWS's note to Athena, which is Parquet too
_MANIFEST = re.compile(r"(?:^|[-_])manifest\.json$", re.IGNORECASE)
_PERIOD = re.compile(r"(\d{4})(\d{2})\d{2}-\d{8}|billing_period=(\d{4})-(\d{2})", re.IGNORECASE)
_YEAR, _MONTH = re.compile(r"year=(\d{4})"), re.compile(r"month=(\d{1,2})")
_LISTS = {"reportKeys", "dataFiles", "blobs"}
_PACKED = re.compile(r"(\.csv)\.(gz|zip)$", re.IGNORECASE)
_RUN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{8}T\d{6}Z.*", re.IGNORECASE)

Read = Callable[[str], bytes]


@dataclass(frozen=True)
class _Location:
    """Where a file lies: the folders above that of its billing period, the period (yyyymm; None
    where no folder names one), and the folders and the name below it."""

    above: tuple[str, ...]
    period: str | None
    below: tuple[str, ...]


def is_data(uri: str) -> bool:
    """Whether a file may hold charges, by its name."""
    return uri.lower().endswith(_DATA) and _STATUS not in uri


def is_other(uri: str) -> bool:
    """Whether a file is neither data nor what clouds put beside it, such as a manifest."""
    return not (is_data(uri) or _STATUS in uri or uri.lower().endswith(_BESIDE))


@dataclass(frozen=True)
class Delivery:
    """What to read out of a folder: `files`, and `others` that may hold charges and are left out.

    `parts` are those of the files that several manifests list for one billing period, by manifest.
    """

    files: list[str]
    others: list[str]
    parts: Mapping[str, Sequence[str]]


def files_of(uris: Sequence[str], read: Read, *, in_parts: bool = False) -> Delivery:
    """The files to read out of those in a folder.

    `read` gives the content of a manifest. Several manifests may list files for the same billing
    period only where they are `in_parts`: each lists a part of it. Raises `InputError` where a
    manifest cannot be read or lists a file that is not there, or where deliveries cannot be told
    apart.
    """
    read = cache(read)
    data = {uri: _location(uri) for uri in uris if is_data(uri)}
    listed: dict[str | None, list[str]] = {}
    parts: dict[str, Sequence[str]] = {}
    top = _top_level(uris, read)
    for period, manifests in top.items():
        found = {manifest: _listed(manifest, read, data) for manifest in manifests}
        if len(set(map(tuple, found.values()))) > 1:
            if not in_parts:
                raise InputError(
                    "these list other files for the same billing period: "
                    f"{', '.join(sorted(found))}; name the folder of one delivery, or load one "
                    "export at a time, each under its own --export, or say that each is a part of "
                    "the period: --scope account or --scope day"
                )
            parts |= found
        listed[period] = list(chain(*found.values())) if in_parts else next(iter(found.values()))
    if not listed:
        _check_one_delivery(data)
        _check_none_twice(list(data))
        return Delivery(list(data), [], {})
    # A month whose manifest is not here would be lost without a word.
    unlisted = {
        uri: location
        for uri, location in data.items()
        if location.period is not None and location.period not in listed
    }
    _check_one_delivery(unlisted)
    chosen = sorted({*unlisted, *chain(*listed.values())})
    _check_none_twice(chosen)
    others = [uri for uri in data if uri not in chosen]
    _check_none_elsewhere(others, list(chain(*top.values())), chosen)
    return Delivery(chosen, others, parts)


def _location(path: str) -> _Location:
    parts = tuple(unquote(path).split("/"))
    for number in reversed(range(len(parts) - 1)):
        if named := _PERIOD.fullmatch(parts[number]):
            period = "".join(part for part in named.groups() if part)
            return _Location(parts[:number], period, parts[number + 1 :])
        month, year = _MONTH.fullmatch(parts[number]), _YEAR.fullmatch(parts[number - 1])
        if month and year:
            period = f"{year[1]}{int(month[1]):02}"
            return _Location(parts[: number - 1], period, parts[number + 1 :])
    return _Location(parts[:-1], None, parts[-1:])


def _top_level(uris: Iterable[str], read: Read) -> Mapping[str | None, list[str]]:
    """The manifests of each period, without the copies in the folder of each delivery."""
    by_period: dict[str | None, list[str]] = defaultdict(list)
    for uri in uris:
        if _MANIFEST.search(uri.rpartition("/")[2]) and (
            _location(uri).period or _keys(uri, read) is not None
        ):
            by_period[_period(uri, read)].append(uri)
    top: dict[str | None, list[str]] = {}
    for period, manifests in by_period.items():
        folders = {uri.rpartition("/")[0] for uri in manifests}
        highest = [uri for uri in manifests if not _lies_below(uri.rpartition("/")[0], folders)]
        if some := [uri for uri in highest if _keys(uri, read) is not None]:
            top[period] = some
    return top


def _period(manifest: str, read: Read) -> str | None:
    here = _location(manifest).period
    if here is not None:
        return here
    return next((_location(key).period for key in _keys(manifest, read) or ()), None)


def _lies_below(folder: str, folders: Collection[str]) -> bool:
    return any(folder.startswith(f"{other}/") for other in folders)


def _keys(manifest: str, read: Read) -> list[str] | None:
    """The files that a manifest lists, without their bucket; None where it is not one of exports.

    AWS writes `reportKeys` or, for CUR 2.0, `dataFiles`; Azure `blobs`.
    """
    try:
        document: Any = json.loads(read(manifest))
    except ValueError as error:
        raise InputError(f"{manifest} is damaged: it is not JSON ({error})") from error
    if not isinstance(document, dict) or not _LISTS & document.keys():
        return None
    try:
        blobs = [blob["blobName"] for blob in document.get("blobs") or ()]
        keys = [*(document.get("reportKeys") or document.get("dataFiles") or blobs)]
        keys = [re.sub(r"^s3a?://[^/]+/", "", key).strip("/") for key in keys]
    except (TypeError, KeyError) as error:
        raise InputError(f"{manifest} is damaged: its list of files is none") from error
    if not keys:
        raise InputError(f"{manifest} lists no files")
    return keys


def _listed(manifest: str, read: Read, data: Mapping[str, _Location]) -> list[str]:
    return sorted({_file(key, data, manifest) for key in _keys(manifest, read) or ()})


def _file(key: str, data: Mapping[str, _Location], manifest: str) -> str:
    """The file that a manifest means, wherever its folder was copied to."""
    wanted, parts = _location(key), key.split("/")
    shared = {
        uri: _shared(unquote(uri).split("/"), parts)
        for uri, location in data.items()
        if location.below[-1] == wanted.below[-1]
    }
    # The file of an older delivery has the same name, in another folder.
    fits = {
        uri: length
        for uri, length in shared.items()
        if length >= len(wanted.below) and data[uri].period in {None, wanted.period}
        if data[uri].period is None or len(data[uri].below) == len(wanted.below)
        if wanted.period or length > 1 or uri.rpartition("/")[0] == manifest.rpartition("/")[0]
    }
    best = [uri for uri, length in fits.items() if length == max(fits.values())]
    if len(best) == 1:
        return best[0]
    raise InputError(
        f"{manifest} lists {key}, which is {'there more than once' if best else 'not there'}: "
        "name the folder of the whole export, or the files themselves"
    )


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts two paths have in common, from their ends."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _check_one_delivery(data: Mapping[str, _Location]) -> None:
    folders: dict[str, set[str]] = defaultdict(set)
    for location in data.values():
        # Folders such as `day=01` hold parts of one data set.
        above = [part for part in location.above if "=" not in part]
        if location.period is not None:
            below = [part for part in location.below[:-1] if "=" not in part]
            folders[location.period].add("/".join([*above, location.period, *below]))
        elif above and _RUN.fullmatch(above[-1]):
            folders["/".join(above[:-1])].add("/".join(above))
    for several in folders.values():
        if len(several) > 1:
            raise InputError(
                f"several deliveries ({', '.join(sorted(several)[:3])} …) and no manifest that "
                "says which counts: name the folder of one, or add the manifest"
            )


def _check_none_elsewhere(
    others: Iterable[str], manifests: Sequence[str], chosen: Iterable[str]
) -> None:
    """Raise `InputError` where a file that no manifest lists is not of an export that has one.

    It may be another export, or a copy of the same: neither is to be lost or doubled.
    """
    roots = {_location(uri).above for uri in (*manifests, *chosen)}
    for uri in others:
        above = _location(uri).above
        if not any(above[: len(root)] == root for root in roots):
            raise InputError(
                f"{uri} is neither in the manifest {manifests[0]} nor below its export: "
                "name the folder of one export"
            )


def _check_none_twice(uris: Iterable[str]) -> None:
    """Raise `InputError` where a file lies beside what it was packed into, or unpacked from."""
    seen: dict[str, str] = {}
    for uri in uris:
        other = seen.setdefault(_PACKED.sub(r"\1", uri), uri)
        if other != uri:
            raise InputError(
                f"{other} and {uri} are the same file by their names, packed and not: "
                "leave one of them out"
            )
