"""Links to AWS's console."""

import pytest

from gristmill.emr.links import look_at
from gristmill.errors import UsageError
from gristmill.runs import Handle

STEP = Handle("step", "j-2AXXXXXXGAPLF", "s-1")


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_cluster_has_a_page_in_the_console_of_its_partition(region: str, host: str) -> None:
    page = f"https://{host}/emr/home?region={region}#/clusterDetails/j-2AXXXXXXGAPLF"
    assert look_at(region, STEP) == page


def test_no_page_is_made_up() -> None:
    assert look_at("eusc-de-east-1", STEP) is None
    with pytest.raises(UsageError, match="no region"):
        look_at("nowhere-1", STEP)


def test_a_job_run_has_a_page_that_a_command_gives() -> None:
    told = look_at("eu-west-1", Handle("serverless", "00f", "00r"))
    assert told is not None
    assert told.endswith("--region eu-west-1 --application-id 00f --job-run-id 00r")
