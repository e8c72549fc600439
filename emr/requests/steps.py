"""Steps: a run as what `command-runner.jar` is given."""

from emr.package import Shipped
from emr.requests import Request, title
from emr.specs.cluster import ClusterSpec
from gristmill.errors import UsageError
from gristmill.runners import Submission

_CHARACTERS = 10_240


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
    settings = {
        **_yarn(spec, submission),
        **shipped.settings(),
        **spec.spark,
        **submission.spark,
    }
    arguments = ["spark-submit", "--deploy-mode", spec.deploy_mode, "--name", title(submission)]
    for key, value in settings.items():
        arguments += ["--conf", f"{key}={value}"]
    arguments += ["--py-files", shipped.py_files, shipped.entry, submission.job, *submission.argv]
    used = sum(map(len, (title(submission), "command-runner.jar", *arguments)))
    if used > _CHARACTERS:
        raise UsageError(
            f"the step has {used:,} characters and EMR takes {_CHARACTERS:,}: "
            "name a folder or a glob as the input instead of its files"
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


def _yarn(spec: ClusterSpec, submission: Submission) -> dict[str, str]:
    python = f"python{spec.python}"
    return {
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        # A run that failed has said why; YARN would run it again, and its report would be lost.
        "spark.yarn.maxAppAttempts": "1",
        "spark.yarn.tags": submission.run,
    }
