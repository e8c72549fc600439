"""How the files of a cost export are laid out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Files with the same columns: their header, what separates it, and its names; whether they are
    AWS's own report, else FOCUS; and the export that they belong to."""

    header: str
    separator: str
    names: tuple[str, ...]
    is_cur: bool
    export: str
