"""Which format logs are in, by the first lines of each file."""

from collections import Counter
from collections.abc import Mapping

from gristmill.errors import InputError
from gristmill.logs import formats

_SAMPLED = 200


def recognise(heads: Mapping[str, str]) -> str | None:
    """The name of the one format of all files, from the first lines of each; None for no lines.

    Raises `InputError` where a file is of no known format, or files, or lines of a file, are of
    formats that do not belong together.
    """
    by_file: dict[str, str] = {}
    for file, text in heads.items():
        lines = [line for line in text.split("\n")[:_SAMPLED] if line.strip(" \t\r\0\ufeff")]
        known = Counter(found for line in lines if (found := _format_of(line)))
        datasets = {formats()[name].dataset.name: name for name in known}
        if len(datasets) > 1:
            raise InputError(f"{file} mixes formats: {', '.join(sorted(datasets.values()))}")
        if known:
            by_file[file] = known.most_common(1)[0][0]
        elif lines:
            raise InputError(
                f"{file} is not a log in a known format ({', '.join(formats())}); "
                "leave it out, or if it is one all the same, say which with --format"
            )
    chosen = sorted(set(by_file.values()))
    if len(chosen) > 1:
        examples = {name: file for file, name in by_file.items()}
        found = ", ".join(f"{examples[name]} is {name}" for name in chosen)
        raise InputError(f"the input mixes formats ({found}): run each by itself, with --format")
    return chosen[0] if chosen else None


def _format_of(line: str) -> str | None:
    plain = line.strip("\ufeff\r")
    return next((name for name, found in formats().items() if found.matches(plain)), None)
