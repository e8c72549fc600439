"""AWS on loopback, as far as Gristmill uses it: for tests, and to see EMR without an account."""

from simulator.aws import Simulator
from simulator.faults import Call, Fault, Faults
from simulator.timing import Timing

__all__ = ["Call", "Fault", "Faults", "Simulator", "Timing"]
