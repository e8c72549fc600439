"""Whether a worker of this machine still lives."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from gristmill.manager.ledger.workers import WorkerIdentity
from gristmill.manager.worker.identity import is_dead, this_process


def test_this_one_lives() -> None:
    assert not is_dead(this_process())


@pytest.mark.parametrize(
    "change", [{"boot": "another"}, {"process": 2**22 + 1}, {"process_started": "1"}]
)
def test_one_of_another_start_of_the_machine_or_of_the_number_is_dead(
    change: dict[str, Any],
) -> None:
    assert is_dead(replace(this_process(), **change))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_one_that_has_ended_and_was_not_buried_is_dead() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        me = this_process()
        other = WorkerIdentity("x", me.host, me.boot, process.pid, "")
        assert not is_dead(other)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(other)


def test_one_of_another_user_lives() -> None:
    first = replace(this_process(), process=1, process_started="")
    assert not is_dead(first)
