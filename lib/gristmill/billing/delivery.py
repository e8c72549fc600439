"""Which files of a folder are the newest delivery of an export, and which are older ones.

AWS keeps a manifest in the folder of each billing period, which lists the files that count,
https://docs.aws.amazon.com/cur/latest/userguide/access-cur-s3.html. Beside them may lie the files
of earlier deliveries, in a folder each: to read those too would count every charge again.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence

from gristmill.errors import InputError

_DATA = (".csv", ".csv.gz", ".gz", ".zip", ".parquet")
_MANIFEST = re.compile(r"-Manifest\.json$", re.IGNORECASE)
_PERIOD = re.compile(r"^(\d{8}-\d{8}|BILLING_PERIOD=\d{4}-\d{2})$", re.IGNORECASE)


def is_data(uri: str) -> bool:
    """Whether a file may hold charges, by its name."""
    return uri.lower().endswith(_DATA)


def files_of(uris: Sequence[str], read: Callable[[str], bytes]) -> tuple[list[str], list[str]]:
    """The files to read out of those in a folder, and the others that may hold charges.

    `read` gives the content of a manifest. Raises `InputError` where a manifest lists a file that
    is not there, or where there is none and deliveries cannot be told apart.
    """
    data = [uri for uri in uris if is_data(uri)]
    manifests = _top_level([uri for uri in uris if _MANIFEST.search(uri)])
    if not manifests:
        _see_that_there_is_one_delivery(data)
        return data, []
    listed: list[str] = []
    for manifest in manifests:
        document = json.loads(read(manifest))
        keys = document.get("reportKeys") or document.get("dataFiles") or []
        listed += [_file(key, data, manifest) for key in keys]
    chosen = sorted(set(listed))
    return chosen, [uri for uri in data if uri not in chosen]


def _top_level(manifests: Sequence[str]) -> list[str]:
    """The manifest of each period: a copy in the folder of each delivery lies deeper."""
    shortest: dict[str, str] = {}
    for manifest in sorted(manifests, key=lambda uri: uri.count("/")):
        parts = manifest.split("/")
        periods = [number for number, part in enumerate(parts) if _PERIOD.match(part)]
        place = "/".join(parts[: periods[-1] + 1]) if periods else "/".join(parts[:-1])
        shortest.setdefault(place, manifest)
    return list(shortest.values())


def _file(key: str, data: Sequence[str], manifest: str) -> str:
    parts = [part for part in re.sub(r"^s3a?://[^/]+/", "", key).split("/") if part]
    for length in range(len(parts), 0, -1):
        ending = "/" + "/".join(parts[-length:])
        found = [uri for uri in data if uri.endswith(ending)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            break
    raise InputError(
        f"{manifest} lists {key}, which is {'not there' if not found else 'there more than once'}: "
        "name the folder of the whole export, or the files themselves"
    )


def _see_that_there_is_one_delivery(data: Sequence[str]) -> None:
    places: dict[str, set[str]] = defaultdict(set)
    for uri in data:
        parts = uri.split("/")
        for number, part in enumerate(parts[:-1]):
            if _PERIOD.match(part):
                places["/".join(parts[: number + 1])].add("/".join(parts[number + 1 : -1]))
    for period, folders in places.items():
        if len(folders) > 1:
            raise InputError(
                f"{period} holds several deliveries ({', '.join(sorted(folders)[:3])} …) and no "
                "manifest that says which counts: name the folder of one, or add the manifest"
            )
