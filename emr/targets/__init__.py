"""What runs are submitted to: a class for each kind, and all that are there."""

from gristmill.emr.specs import ClusterSpec, Spec
from gristmill.emr.targets.cluster import ClusterTarget, TransientTarget
from gristmill.emr.targets.serverless import ServerlessTarget
from gristmill.emr.targets.target import Target as Target
from gristmill.errors import UsageError


def target_of(spec: Spec, *, transient: bool = False) -> Target:
    """What runs on a spec go to; `transient`, a cluster for each. Raises `UsageError`."""
    if isinstance(spec, ClusterSpec):
        return TransientTarget(spec) if transient else ClusterTarget(spec)
    if transient:
        raise UsageError("--transient makes a cluster, and EMR Serverless has none: leave it out")
    return ServerlessTarget(spec)
