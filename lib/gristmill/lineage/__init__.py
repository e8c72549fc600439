"""What each publish was made of, told as OpenLineage tells it (https://openlineage.io/spec/)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    """How many events have gone out now, and up to which entry of the log all have."""

    events: int
    log_number: int
