"""Steps: a run as what `command-runner.jar` is given."""

from gristmill.emr.package import Shipped
from gristmill.emr.requests import Request, TooLongError, event_logs, joined, py_files, title
from gristmill.emr.specs.cluster import ClusterSpec
from gristmill.errors import UsageError
from gristmill.runs import Submission
from gristmill.runs.encoded import encode

YARN_TAGS = "spark.yarn.tags"
_CHARACTERS = 10_240
# Lists what YARN runs under a tag, and ends it.
_KILL = (
    'for id in $(yarn application -list -appTags "$0" | grep -oE "application_[0-9]+_[0-9]+"'
    ' | sort -u); do yarn application -kill "$id"; done'
)


def add_job_flow_steps(
    spec: ClusterSpec, cluster: str, shipped: Shipped, submission: Submission
) -> Request:
    """A step on a cluster that runs. Where steps run side by side EMR takes only CONTINUE."""
    request = {
        "JobFlowId": cluster,
        "Steps": [step(spec, shipped, submission, on_failure="CONTINUE")],
    }
    if spec.runtime_role:
        request["ExecutionRoleArn"] = spec.runtime_role
    return request


def step(spec: ClusterSpec, shipped: Shipped, submission: Submission, on_failure: str) -> Request:
    """A step. Raises `UsageError` for what EMR or Spark would not take."""
    own = {**spec.spark, **submission.spark}
    ours = _yarn(spec, submission)
    if spec.event_logs:
        ours |= event_logs.settings(spec.home, submission.run)
    settings = joined(ours, shipped.settings(), own)
    packages = py_files(settings, shipped.py_files)
    arguments = ["spark-submit", "--deploy-mode", spec.deploy_mode, "--name", title(submission)]
    for key, value in settings.items():
        arguments += ["--conf", f"{key}={value}"]
    whole = encode(submission.words)
    arguments += ["--py-files", packages, shipped.entry, whole]
    used = sum(map(len, (title(submission), "command-runner.jar", *arguments)))
    if used > _CHARACTERS:
        raise TooLongError(
            f"the step has {used:,} characters and EMR takes {_CHARACTERS:,}: give it shorter "
            "flags or fewer settings of Spark (many inputs go into a list by themselves)"
        )
    if shipped.archive and spec.deploy_mode == "client":
        raise UsageError(
            'dependencies reach a driver only in deploy mode "cluster": set deploy_mode so'
        )
    return {
        "Name": title(submission),
        "ActionOnFailure": on_failure,
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": arguments},
    }


def kill_application(cluster: str, tag: str, role: str | None) -> Request:
    """A step that ends what YARN runs under a tag.

    Cancelling a step ends spark-submit, but not the driver that it has put on the cluster
    (https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html).
    """
    step = {
        "Name": f"gristmill cancel {tag}",
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ["bash", "-c", _KILL, tag]},
    }
    request: Request = {"JobFlowId": cluster, "Steps": [step]}
    return request | ({"ExecutionRoleArn": role} if role else {})


def _tag(run: str) -> str:
    # YARN keeps tags in lower case, and compares them as they are given.
    return run.lower()


def _yarn(spec: ClusterSpec, submission: Submission) -> dict[str, str]:
    python = f"python{spec.python}"
    return {
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        # A run that failed has said why; YARN would run it again, and its report would be lost.
        "spark.yarn.maxAppAttempts": "1",
        YARN_TAGS: _tag(submission.key),
    }
