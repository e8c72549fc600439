"""What a dataset has promised to its readers, as an output root remembers it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from gristmill.errors import SchemaError


@dataclass(frozen=True)
class Contract:
    """A dataset's name, its columns as (name, type), its partition columns, what a run replaces."""

    name: str
    fields: tuple[tuple[str, str], ...]
    partitioned_by: tuple[str, ...]
    replaces: str

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ where columns, types or partitions do."""
        text = json.dumps([self.fields, self.partitioned_by, self.replaces])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def succeed(self, earlier: "Contract") -> None:
        """See that readers of `earlier` are served by this one: new columns may have come.

        Raises `SchemaError`, naming all that differs.
        """
        now = dict(self.fields)
        wrong = [
            f"{name} {type_} is gone" if name not in now else f"{name} is {now[name]}, was {type_}"
            for name, type_ in earlier.fields
            if now.get(name) != type_
        ]
        if self.partitioned_by != earlier.partitioned_by:
            was = ", ".join(earlier.partitioned_by)
            wrong.append(f"partitioned by {', '.join(self.partitioned_by)}, was by {was}")
        if self.replaces != earlier.replaces:
            wrong.append(f"a run replaces a {self.replaces}, was a {earlier.replaces}")
        if wrong:
            raise SchemaError(
                f"dataset {self.name} does not fit what this output holds: {'; '.join(wrong)}. "
                "Only new columns may be added: name another output, or delete the dataset first"
            )

    @staticmethod
    def from_json(document: Any) -> "Contract":
        """The contract that `dataclasses.asdict` has made a document of."""
        return Contract(
            name=document["name"],
            fields=tuple((name, type_) for name, type_ in document["fields"]),
            partitioned_by=tuple(document["partitioned_by"]),
            replaces=document["replaces"],
        )
