"""How fast the simulated clusters are."""

from dataclasses import dataclass


@dataclass
class Timing:
    """Seconds that things take; may be changed while a simulator runs.

    EMR takes minutes for most of them: these let one see every state and wait for none.
    """

    starting: float = 1.0
    """A cluster's STARTING, and an application's CREATING and STARTING together."""
    bootstrapping: float = 1.0
    """A cluster's BOOTSTRAPPING."""
    pending: float = 0.2
    """How long a step or a job run is PENDING at least."""
    cancelling: float = 0.2
    """How long a step is CANCEL_PENDING, or a job run CANCELLING, at least."""
    terminating: float = 0.5
    """A cluster's TERMINATING, and an application's STOPPING."""
    logs: float | None = 0.5
    """From a step's end to its logs; None where they never come. EMR takes up to five minutes."""
    second: float = 1.0
    """What a second is to the time-outs that a request sets, such as IdleTimeout: they are of a
    minute at least."""
