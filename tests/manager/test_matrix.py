"""Workers killed and stopped at random: every run is done, and none twice."""

from pathlib import Path

import pytest

from tests.manager.matrix import Trial, try_out
from tests.support.ledgers import Databases


@pytest.mark.parametrize(
    "trial",
    [
        Trial(100, workers=4, slots=5, seconds=0.4),
        pytest.param(Trial(1500), marks=pytest.mark.thorough),
    ],
)
def test_nothing_is_lost_or_done_twice(databases: Databases, tmp_path: Path, trial: Trial) -> None:
    found = try_out(databases.url(), tmp_path, trial)
    assert found.kills + found.stops > 0
    assert found.states["succeeded"] == trial.runs + -(-trial.runs // 1000)
