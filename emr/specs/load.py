"""From TOML to a spec, with everything that is wrong with it named at once."""

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gristmill.emr.files import ACCOUNT, CLUSTERS
from gristmill.emr.specs.cluster import ClusterSpec
from gristmill.emr.specs.fields import Home
from gristmill.emr.specs.rules import problems
from gristmill.emr.specs.serverless import ServerlessSpec
from gristmill.emr.specs.spark import Problem
from gristmill.errors import UsageError
from gristmill.nearest import near

Spec = ClusterSpec | ServerlessSpec

_SPEC: TypeAdapter[Spec] = TypeAdapter(Annotated[Spec, Field(discriminator="kind")])
_KINDS: dict[str, type[ClusterSpec | ServerlessSpec]] = {
    "cluster": ClusterSpec,
    "serverless": ServerlessSpec,
}
_ROUNDS = 10


def load_spec(name: str, account: Path = ACCOUNT) -> Spec:
    """The spec in a TOML file, which `name` is or which has that name in `CLUSTERS`.

    Raises `UsageError`, which names each wrong field.
    """
    path, found = _found(name, account)
    spec, wrong = check(found)
    if wrong or spec is None:
        _refuse(path, account, wrong)
    return spec


def load_home(name: str, account: Path = ACCOUNT) -> Home:
    """Where the runs of a spec are, of which all else may be missing or wrong.

    Raises `UsageError`, as `load_spec` does.
    """
    path, found = _found(name, account)
    try:
        return Home.model_validate({key: found[key] for key in Home.model_fields if key in found})
    except ValidationError as error:
        wrong = [(str(one["loc"][0]), said_of(one)) for one in error.errors(include_url=False)]
        _refuse(path, account, wrong)


def _found(name: str, account: Path) -> tuple[Path, dict[str, Any]]:
    """The file of a spec, and what it says, with what all specs share."""
    path = _find(name)
    found = read_toml(path)
    kind = found.setdefault("kind", "cluster")
    found.setdefault("name", path.stem)
    if kind in _KINDS and account.exists():
        shared = read_toml(account)
        known = {field for model in _KINDS.values() for field in model.model_fields}
        if unknown := sorted(set(shared) - known):
            raise UsageError(f"{account}: no spec has a field {', '.join(unknown)}")
        fields = _KINDS[kind].model_fields
        found = {key: shared[key] for key in shared if key in fields} | found
    if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
        found.setdefault("region", region)
    return path, found


def check(raw: Mapping[str, Any]) -> tuple[Spec | None, list[Problem]]:
    """The spec that `raw` is, and all that is wrong with it.

    Fields that are wrong are left out until the rest makes a spec, so that its rules are tried too.
    """
    wrong: dict[str, str] = {}
    rest = deepcopy(dict(raw))
    for _ in range(_ROUNDS):
        try:
            spec = _SPEC.validate_python(rest)
        except ValidationError as error:
            before = deepcopy(rest)
            for detail in error.errors(include_url=False):
                place = _place(detail, str(raw.get("kind")))
                # What is only wrong because something was left out is no news.
                if not _touches(field := ".".join(map(str, place)), wrong):
                    wrong[field] = said_of(detail)
                _leave_out(rest, place)
            if rest == before:
                return None, list(wrong.items())
        else:
            rules = [rule for rule in problems(spec) if not _touches(rule[0], wrong)]
            return spec, [*wrong.items(), *rules]
    return None, list(wrong.items())


def _touches(field: str, wrong: Iterable[str]) -> bool:
    return any(f"{field}.".startswith(f"{one}.") or one.startswith(f"{field}.") for one in wrong)


def _place(detail: ErrorDetails, kind: str) -> tuple[int | str, ...]:
    place = detail["loc"] or ("kind",)
    # Which kind of spec it is stands first, and what of a key is wrong last.
    place = place[1:] if place[:1] == (kind,) else place
    return place[:-1] if place[-1:] == ("[key]",) else place


def said_of(detail: ErrorDetails) -> str:
    """What is wrong with a field, in words."""
    limits = detail.get("ctx", {})
    known = {
        "missing": "missing",
        "extra_forbidden": "no such field",
        "greater_than_equal": f"must be {limits.get('ge')} or more",
        "less_than_equal": f"must be {limits.get('le')} or less",
        "literal_error": f"must be {limits.get('expected')}",
        "union_tag_invalid": f"must be {limits.get('expected_tags')}",
        "too_short": f"must have {limits.get('min_length')} or more",
        "too_long": f"must have {limits.get('max_length')} or fewer",
    }
    said = known.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    given = detail.get("input")
    is_plain = isinstance(given, str | int | float) and detail["type"] != "extra_forbidden"
    return f"{said}, not {given!r}" if is_plain else said


def _leave_out(rest: dict[str, Any], place: Sequence[int | str]) -> None:
    """Take out what is wrong; or, where something lacks or is in a list, what it belongs to."""
    *above, last = place or ("",)
    table: Any = rest
    for part in above:
        try:
            table = table[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(table, dict) and last in table:
        del table[last]
    elif above:
        _leave_out(rest, above)


def _find(name: str) -> Path:
    path = Path(name)
    if path.suffix != ".toml" and "/" not in name:
        path = CLUSTERS / f"{name}.toml"
    if path.is_file():
        return path
    known = sorted(found.stem for found in CLUSTERS.glob("*.toml"))
    told = f"no spec {path}: name one of {', '.join(known)}, or a TOML file"
    raise UsageError(told + near(path.stem, known))


def kind_of(name: str) -> str | None:
    """Whether the spec of a name in `CLUSTERS` is of a `cluster` or of `serverless`; None where
    there is none. Raises `UsageError` for one that cannot be read."""
    path = CLUSTERS / f"{name}.toml"
    if not path.is_file():
        return None
    return str(read_toml(path).get("kind", "cluster"))


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises `UsageError` where it cannot be read, or is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error


def _refuse(path: Path, account: Path, wrong: Sequence[Problem]) -> NoReturn:
    more = f"\n  ({account} would have what specs share: make emr-deploy writes it)"
    is_whole = account.exists() or all(said != "missing" for _, said in wrong)
    raise UsageError(listed(path, wrong) + ("" if is_whole else more))


def listed(path: Path, wrong: Sequence[Problem]) -> str:
    """All that is wrong with a file, a line each."""
    count = "1 problem" if len(wrong) == 1 else f"{len(wrong)} problems"
    return "\n".join([f"{path}: {count}", *(f"  {field}: {said}" for field, said in wrong)])
