"""EMR Serverless: an application, and the runs in it."""

import shlex

from gristmill.emr.package import Shipped
from gristmill.emr.requests import (
    CLUSTER_TAG,
    RUN_TAG,
    Request,
    TooLongError,
    joined,
    py_files,
    title,
)
from gristmill.emr.specs.serverless import ServerlessSpec, Worker
from gristmill.errors import UsageError
from gristmill.runs import Submission
from gristmill.runs.encoded import encode

# https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_SparkSubmit.html
_ARGUMENT, _OPTIONS = 10_280, 102_400


def create_application(spec: ServerlessSpec) -> Request:
    """The application that a spec names.

    botocore adds a token of its own, with which it repeats a request: one that was the same each
    time would bring back what the name once stood for.
    """
    request: Request = {
        "name": application_name(spec),
        "releaseLabel": spec.release_label,
        "type": "SPARK",
        "architecture": spec.architecture.upper(),
        "maximumCapacity": {
            "cpu": f"{spec.maximum.vcpu} vCPU",
            "memory": f"{spec.maximum.memory_gib} GB",
        },
        "autoStartConfiguration": {"enabled": True},
        "autoStopConfiguration": {
            "enabled": True,
            "idleTimeoutMinutes": int(spec.idle_timeout.total_seconds() // 60),
        },
        "schedulerConfiguration": {"maxConcurrentRuns": spec.maximum_runs},
        "tags": {CLUSTER_TAG: spec.name, **spec.tags},
    }
    if spec.network:
        request["networkConfiguration"] = {
            "subnetIds": list(spec.network.subnets),
            "securityGroupIds": list(spec.network.security_groups),
        }
    if spec.image:
        request["imageConfiguration"] = {"imageUri": spec.image}
    if spec.initial:
        request["initialCapacity"] = {
            "DRIVER": _initial(spec.initial.drivers, spec.driver),
            "EXECUTOR": _initial(spec.initial.executors, spec.executor),
        }
    return request


def _initial(count: int, worker: Worker) -> Request:
    # A run takes them where they are of its workers' size.
    size = {
        "cpu": f"{worker.vcpu} vCPU",
        "memory": f"{worker.memory_gib} GB",
        "disk": f"{worker.disk_gib} GB",
    }
    return {"workerCount": count, "workerConfiguration": size}


def application_name(spec: ServerlessSpec) -> str:
    """What an application is called."""
    return f"gristmill-{spec.name}"[:64]


def start_job_run(
    spec: ServerlessSpec, application: str, shipped: Shipped, submission: Submission
) -> Request:
    """A job run. Its token is made of the run key: asked for twice, it runs once."""
    own = {**spec.spark, **submission.spark}
    settings = joined(_workers(spec), shipped.settings(serverless=True), own)
    parameters = ["--py-files", py_files(settings, shipped.py_files)]
    for key, value in settings.items():
        parameters += ["--conf", f"{key}={value}"]
    whole, options = encode(submission.words), shlex.join(parameters)
    _check(whole, options)
    return {
        "applicationId": application,
        "clientToken": _token(submission),
        "executionRoleArn": spec.runtime_role,
        "name": title(submission),
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": shipped.entry,
                "entryPointArguments": [whole],
                "sparkSubmitParameters": options,
            }
        },
        "configurationOverrides": {
            "monitoringConfiguration": {
                "s3MonitoringConfiguration": {"logUri": f"{spec.logs}/"},
                # Without it the dashboard has no pages of Spark's to show.
                "managedPersistenceMonitoringConfiguration": {"enabled": True},
            }
        },
        "executionTimeoutMinutes": int(spec.run_timeout.total_seconds() // 60),
        # A run that failed has said why.
        "retryPolicy": {"maxAttempts": 1},
        "tags": {CLUSTER_TAG: spec.name, RUN_TAG: submission.run, **spec.tags},
    }


def _token(submission: Submission) -> str:
    # Of 64 characters at most, of which a run's key may have 48.
    again = f"-{submission.attempt}" if submission.attempt > 1 else ""
    return f"gristmill-{submission.run}{again}"


def _check(arguments: str, options: str) -> None:
    """That a request has room for what stands for the arguments, and for Spark's options."""
    if len(arguments) > _ARGUMENT:
        raise TooLongError(
            f"the arguments have {len(arguments):,} characters and EMR Serverless takes "
            f"{_ARGUMENT:,}: give shorter flags (many inputs go into a list by themselves)"
        )
    if len(options) > _OPTIONS:
        raise UsageError(
            f"the settings of Spark have {len(options):,} characters and EMR Serverless takes "
            f"{_OPTIONS:,}"
        )


def _workers(spec: ServerlessSpec) -> dict[str, str]:
    python = f"/usr/bin/python{spec.python}"
    return {
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
        **_worker("driver", spec.driver),
        **_worker("executor", spec.executor),
        "spark.dynamicAllocation.maxExecutors": str(spec.maximum_executors),
    }


def _worker(role: str, worker: Worker) -> dict[str, str]:
    # A worker's memory is Spark's with its overhead of a tenth
    # (https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html).
    megabytes = int(worker.memory_gib * 1024 / 1.1)
    return {
        f"spark.{role}.cores": str(worker.vcpu),
        f"spark.{role}.memory": f"{megabytes}m",
        f"spark.emr-serverless.{role}.disk": f"{worker.disk_gib}g",
    }
