"""Templates by which AWS runs a job: what CloudFormation, Step Functions and the scheduler take."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from gristmill.emr.prepare import Step, SubmitRequest
from gristmill.emr.schedules import Kind, template
from gristmill.errors import UsageError
from gristmill.jobs import CATALOGUE
from gristmill.workflow.lint.checking import check
from tests.support.cloudformation import ACCOUNT, REGION
from tests.support.emr_specs import cluster, serverless

WHERE = ("--input", "s3://logs/a b's/", "--output", "s3://out/web")
KEY = "<aws.scheduler.execution-id>"
DAILY = "cron(0 2 * * ? *)"


def wanted(spec: Any, *more: str) -> SubmitRequest:
    again = ("--input", "s3://out/web", "--output", "s3://out/web")
    then = (Step(CATALOGUE["traffic-summary"], again),)
    return SubmitRequest(CATALOGUE["access-logs"], (*WHERE, *more), spec, then=then)


def sub(given: Any) -> str:
    """What CloudFormation makes of text, or of `Fn::Sub`."""
    if isinstance(given, str):
        return given
    text: str = given["Fn::Sub"]
    values = {
        "AWS::Partition": "aws",
        "ApplicationId": "00abcdef12345678",
        "Machine": "arn:machine",
    }
    values |= {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    assert "${" not in text.replace("${!", "")
    return text.replace("${!", "${")


def lower(value: Any) -> Any:
    """Parameters as boto3 takes them, of a service whose names begin small."""
    if isinstance(value, dict):
        return {
            f"{key[:1].lower()}{key[1:]}": item if key == "Tags" else lower(item)
            for key, item in value.items()
        }
    return [lower(one) for one in value] if isinstance(value, list) else value


def is_taken(service: str, operation: str, request: dict[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    report = ParamValidator().validate(request, model.input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("kind", ["scheduler", "step-functions"])
@pytest.mark.parametrize("spec", [cluster(), serverless()], ids=["cluster", "serverless"])
def test_cloudformation_has_nothing_against_it(spec: Any, kind: Kind) -> None:
    text = json.dumps(template(wanted(spec), DAILY, kind))
    found = lint(text, config=ManualArgs(regions=[REGION]))
    assert [str(one) for one in found] == []


def test_the_scheduler_asks_emr_for_a_cluster_of_the_run_s_own() -> None:
    made = template(wanted(cluster()), DAILY, "scheduler")["Resources"]["Schedule"]["Properties"]
    assert made["ScheduleExpression"] == DAILY
    assert sub(made["Target"]["Arn"]) == "arn:aws:scheduler:::aws-sdk:emr:runJobFlow"
    request = json.loads(sub(made["Target"]["Input"]))
    is_taken("emr", "RunJobFlow", request)
    (step,) = request["Steps"]
    words = step["HadoopJarStep"]["Args"]
    place = words.index("access-logs")
    report = "s3://out/web/_gristmill/reports"
    assert words[place:] == [
        *("access-logs", *WHERE, "--report", f"{report}/{KEY}-1.json", "then"),
        *("traffic-summary", "--input", "s3://out/web", "--output", "s3://out/web"),
        *("--report", f"{report}/{KEY}-2.json"),
    ]
    assert request["Name"] == f"gristmill access-logs {KEY}"
    (folder,) = [word for word in words if word.startswith("spark.eventLog.dir=")]
    assert folder.endswith("/spark-events/scheduled")


def test_the_scheduler_asks_emr_serverless_for_a_job_run() -> None:
    made = template(wanted(serverless()), "rate(1 day)", "scheduler")
    target = made["Resources"]["Schedule"]["Properties"]["Target"]
    assert sub(target["Arn"]) == "arn:aws:scheduler:::aws-sdk:emrserverless:startJobRun"
    request = lower(json.loads(sub(target["Input"])))
    is_taken("emr-serverless", "StartJobRun", request)
    assert request["applicationId"] == "00abcdef12345678"
    # Whoever asks twice in one execution starts one run.
    assert request["clientToken"] == f"gristmill-{KEY}"
    assert request["tags"]["gristmill:run"] == KEY


@pytest.mark.parametrize("spec", [cluster(), serverless()], ids=["cluster", "serverless"])
def test_a_state_machine_is_one_that_step_functions_takes(spec: Any) -> None:
    made = template(wanted(spec), None, "step-functions")["Resources"]
    assert "Schedule" not in made
    text = sub(made["Machine"]["Properties"]["DefinitionString"])
    found = check(json.loads(text))
    assert found.problems == ()
    assert "$$.Execution.Name" in text
    assert "gristmill-run-key" not in text


def test_a_state_machine_ends_its_cluster_whatever_becomes_of_the_run() -> None:
    made = template(wanted(cluster()), None, "step-functions")["Resources"]["Machine"]
    states = json.loads(sub(made["Properties"]["DefinitionString"]))["States"]
    (caught,) = states["Run"]["Catch"]
    assert caught["ErrorEquals"] == ["States.ALL"]
    for state in (states["Run"]["Next"], caught["Next"]):
        assert states[state]["Resource"].endswith(":elasticmapreduce:terminateCluster.sync")
    is_taken("emr", "RunJobFlow", states["Make the cluster"]["Parameters"])
    assert states["Make the cluster"]["Parameters"]["Instances"]["KeepJobFlowAliveWhenNoSteps"]
    assert "Steps" not in states["Make the cluster"]["Parameters"]


def test_what_yarn_would_change_cannot_be_scheduled() -> None:
    spec = cluster()
    odd = SubmitRequest(
        CATALOGUE["access-logs"], ("--input", "s3://a/{{b}}/", "--output", "s3://o"), spec
    )
    with pytest.raises(UsageError, match="YARN would change it"):
        template(odd, DAILY, "scheduler")


def test_a_schedule_needs_its_times(tmp_path: Path) -> None:
    del tmp_path
    with pytest.raises(UsageError, match="--schedule says when"):
        template(wanted(cluster()), None, "scheduler")
