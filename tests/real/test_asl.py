"""State machines recorded on AWS, and those that AWS publishes: a floor for what is right here."""

import gzip
import json
from typing import Any

import pytest

from gristmill.workflow.data import jsonata
from gristmill.workflow.lint import check, check_text
from tests.real.asl_score import score
from tests.real.conftest import DATA

ASL = DATA / "asl"
pytestmark = pytest.mark.skipif(not ASL.exists(), reason=f"no state machines in {ASL}")

# Not bound here: Secrets Manager.
UNBOUND = {"test_list_secrets"}
# Of these, what an execution did was not recorded: they are of other calls of the API.
SILENT = {
    "test_describe_state_machine_for_execution",
    "test_describe_execution_no_such_state_machine",
    "test_describe_state_machine_for_execution_of_version",
    "test_describe_state_machine_for_execution_of_version_with_revision",
}
# AWS was of two minds about which event MapStateExited follows.
FOLLOWS_ANOTHER = 6


def read(name: str) -> Any:
    return json.loads(gzip.decompress((ASL / name).read_bytes()))


def test_what_was_recorded_on_aws_happens_here() -> None:
    outcomes = score(ASL / "recorded-cases.json.gz")
    by_name = {one.id.rpartition("::")[2]: one for one in outcomes if one.tier < 2}
    assert set(by_name) == UNBOUND | SILENT, [by_name[name].differences for name in by_name]
    assert sum(one.tier == 3 for one in outcomes) >= len(outcomes) - len(by_name) - FOLLOWS_ANOTHER


def test_what_aws_refuses_is_refused_and_nothing_else() -> None:
    for case in read("refused-definitions.json.gz"):
        is_refused = "InvalidDefinition" in json.dumps(case["expected"])
        is_express = "express" in case["id"].lower()
        for text in case["definitions"]:
            arn = "arn:aws:states:us-east-1:111111111111:activity:one"
            text = text.replace("create_activity()[activityArn]", arn)  # noqa: PLW2901
            checked = check_text(text, is_express=is_express)
            assert bool(checked.errors) == is_refused, (case["id"], checked.problems)


def test_what_aws_publishes_is_sound_or_says_why() -> None:
    wrong = {}
    for one in read("sample-machines.json.gz")["machines"]:
        errors = [str(each) for each in check(one["definition"]).errors]
        if errors := [text for text in errors if "is not bound" not in text]:
            wrong[one["file"]] = errors
    # Its QueryLanguage stands among the states, which makes no state of it, and no JSONata.
    (file,) = wrong
    assert "shared-fallback-state-jsonata" in file


def test_jsonata_is_no_worse_than_its_library_says() -> None:
    document = read("jsonata-suite.json.gz")
    right = 0
    for cases in document["cases"].values():
        for case in cases if isinstance(cases, list) else [cases]:
            right += _is_right(case, document["datasets"])
    # The library alone has 1,614 right; those of $eval, which is not there, are among the others.
    assert right >= 1650


def _is_right(case: dict[str, Any], datasets: dict[str, Any]) -> bool:
    text = case.get("expr")
    if not isinstance(text, str):
        return False
    name = case.get("dataset")
    data = datasets.get(name) if name else case.get("data")
    try:
        found = jsonata.evaluate(text, case.get("bindings") or {}, data)
    except jsonata.UndefinedError as error:
        return bool(case.get("undefinedResult")) and "nothing" in str(error)
    except jsonata.ExpressionError:
        return "code" in case or "error" in case
    return "result" in case and _same(found, case["result"])


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, float) or isinstance(wanted, float):
        return bool(found == pytest.approx(wanted))
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    return bool(found == wanted)
