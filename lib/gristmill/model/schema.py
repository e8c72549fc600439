"""What a dataset has promised to its readers, as an output root remembers it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from gristmill.errors import SchemaError


@dataclass(frozen=True)
class DatasetSchema:
    """A dataset's name, its columns as (name, type), its partition columns, what a run replaces."""

    name: str
    fields: tuple[tuple[str, str], ...]
    partitioned_by: tuple[str, ...]
    write_mode: str

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that differ where columns, types or partitions do."""
        text = json.dumps([self.fields, self.partitioned_by, self.write_mode])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def check_compatible(self, earlier: "DatasetSchema") -> None:
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
        if self.write_mode != earlier.write_mode:
            wrong.append(f"a run replaces a {self.write_mode}, was a {earlier.write_mode}")
        if wrong:
            raise SchemaError(
                f"dataset {self.name} does not fit what this output holds: {'; '.join(wrong)}. "
                "Only new columns may be added: name another output, or delete the dataset first"
            )

    def to_json(self) -> dict[str, Any]:
        """The document that an output root keeps of it."""
        return {
            "name": self.name,
            "fields": self.fields,
            "partitioned_by": self.partitioned_by,
            "replaces": self.write_mode,
        }

    @staticmethod
    def from_json(document: Any) -> "DatasetSchema":
        """The schema that `to_json` has made a document of."""
        return DatasetSchema(
            name=document["name"],
            fields=tuple((name, type_) for name, type_ in document["fields"]),
            partitioned_by=tuple(document["partitioned_by"]),
            write_mode=document["replaces"],
        )


def inner_types(text: str) -> list[str]:
    """The types, or named types, inside an array, a map or a struct: what commas part, outside of
    brackets of their own."""
    found, depth = [""], 0
    for char in text:
        depth += (char in "<(") - (char in ">)")
        if char == "," and not depth:
            found.append("")
        else:
            found[-1] += char
    return [part.strip() for part in found]
