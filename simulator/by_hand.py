"""Faults as somebody types them: what goes wrong, and when."""

import argparse
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from simulator.aws import Simulator

FAULTS = """\
  kill-cluster@step        a cluster is gone once a step of it runs (INSTANCE_FAILURE)
  kill-cluster@start       a cluster is gone as it starts, for want of machines
  kill-cluster@bootstrap   a bootstrap action of a cluster fails
  throttle@OPERATION       a call such as ListSteps is refused: too many
  fail@OPERATION           a call is answered by an internal error, and not done
  lose@OPERATION           a call is done, and its answer is lost
"""

_LOOK_SECONDS = 0.1
_WHEN: dict[str, tuple[tuple[str, ...], str, str]] = {
    "step": (("RUNNING",), "INSTANCE_FAILURE", "The master node was terminated by EC2."),
    "start": (
        ("STARTING",),
        "INTERNAL_ERROR",
        "EC2 has insufficient capacity for the requested instance type in this zone.",
    ),
    "bootstrap": (
        ("BOOTSTRAPPING",),
        "BOOTSTRAP_FAILURE",
        "On the master instance, bootstrap action 1 returned a non-zero return code",
    ),
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and when: the moment in a cluster's life, or the operation called."""

    what: str
    when: str

    @staticmethod
    def of(text: str) -> "Fault":
        """What `WHAT@WHEN` means. Raises `ArgumentTypeError`."""
        what, _, when = text.partition("@")
        is_call = what in {"throttle", "fail", "lose"} and when[:1].isupper()
        if not (is_call or (what == "kill-cluster" and when in _WHEN)):
            raise argparse.ArgumentTypeError(f"{text!r} is no fault: --help lists them")
        return Fault(what, when)


def watch(
    aws: Simulator, faults: Sequence[Fault], ended: threading.Event, say: Callable[[str], None]
) -> None:
    """Have faults come, each at its time, until `ended`."""
    kills: list[Fault] = []
    for fault in faults:
        if fault.what == "throttle":
            aws.faults.throttle(fault.when)
        elif fault.what == "lose":
            aws.faults.lose_answer(fault.when)
        elif fault.what == "fail":
            aws.faults.fail(fault.when)
        else:
            kills.append(fault)
    emr = aws.client("emr")
    while not ended.wait(_LOOK_SECONDS):
        found = _due(emr, kills[0]) if kills else None
        if found:
            fault = kills.pop(0)
            _states, code, message = _WHEN[fault.when]
            aws.kill_cluster(found, code, message)
            say(f"{fault.what}@{fault.when}: {found} is gone ({code})")


def _due(emr: Any, fault: Fault) -> str | None:
    """The id of a cluster at which a fault is due; None where there is none."""
    states, _code, _message = _WHEN[fault.when]
    try:
        clusters = emr.list_clusters(ClusterStates=list(states))["Clusters"]
        for cluster in clusters:
            if fault.when != "step":
                return str(cluster["Id"])
            steps = emr.list_steps(ClusterId=cluster["Id"], StepStates=["RUNNING"])["Steps"]
            if steps:
                return str(cluster["Id"])
    except (BotoCoreError, ClientError):
        # A call of its own may meet a fault that was meant for another.
        return None
    return None
