"""`make manager-demo`: the job manager at work, with no AWS in it.

Two workers, an array of twenty, a run on EMR, a run that fails and is set aside, a schedule, and a
worker that is killed in the middle. Each command is what a user would type; the runs are real.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gristmill.sample import write_samples
from simulator.aws import Simulator

_BIN = Path(sys.executable).parent
_LOOK = 1.0
_LONGEST = 600.0
_SETTINGS = """
[places.emr]
kind = "cluster"
spec = "dev"

[queues.default]
places = ["local"]
max_runs_a_job = 3

[queues.cluster]
places = ["emr"]

[schedules.every-minute]
cron = "* * * * *"
job = "word-count"
args = ["--input", "samples/text", "--output", "scheduled", "--batch", "{due:%H-%M}"]

[alarms.failures]
rule = "failures > 0 in 1h"
"""


def main() -> int:
    """Run the demo; gives 0 where all came out as it should."""
    start = time.monotonic()
    with TemporaryDirectory(prefix="gristmill-demo-") as name, Simulator() as aws:
        folder = Path(name)
        demo = Demo(folder, aws)
        try:
            demo.prepare()
            demo.submit()
            demo.work()
            code = demo.show()
        finally:
            demo.end()
    print(f"\nthat was {time.monotonic() - start:.0f} s, and nothing of it was on AWS", flush=True)
    return code


class Demo:
    """The demo in a folder, beside a simulated AWS."""

    def __init__(self, folder: Path, aws: Simulator) -> None:
        self._folder = folder
        self._aws = aws
        self._workers: list[subprocess.Popen[bytes]] = []
        self._runs: dict[str, str] = {}
        account = aws.write_account(folder / "account.toml")
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700)
        self._environ: Mapping[str, str] = {
            **os.environ,
            **aws.environ,
            "GRISTMILL_EMR_ACCOUNT": str(account),
            "GRISTMILL_LEDGER": f"sqlite:///{folder}/ledger.db",
            "GRISTMILL_RUNS": str(folder / "runs"),
            # One Spark for all local runs, and one that ends with the demo.
            "GRISTMILL_WARM": "1",
            "XDG_RUNTIME_DIR": str(runtime),
        }

    def prepare(self) -> None:
        """Samples, here and in S3; a cluster; what the manager is set to."""
        write_samples(self._folder / "samples", requests=2000, words=2000)
        client = self._aws.client("s3")
        for path in sorted((self._folder / "samples" / "logs").iterdir()):
            client.upload_file(str(path), self._aws.bucket, f"in/logs/{path.name}")
        (self._folder / "manager.toml").write_text(_SETTINGS)
        self._do("gristmill emr up")
        self._do("gristmill manager apply")

    def submit(self) -> None:
        """What there is to do."""
        bucket = f"s3://{self._aws.bucket}"
        logs = f"access-logs --input {bucket}/in/logs --output {bucket}/out"
        words = "word-count --input samples/text --output out/{index}"
        for name, flags in (
            ("a step on EMR", f"--queue cluster {logs}"),
            ("an array of twenty", f"--array 20 {words}"),
            ("one that fails", "word-count --input nowhere --output out/none"),
        ):
            self._runs[name] = self._do(f"gristmill submit {flags}").strip()
        array = self._runs["an array of twenty"]
        follower = f"--after {array} word-count --input samples/text --output out/all"
        self._runs["what comes after it"] = self._do(f"gristmill submit {follower}").strip()

    def work(self) -> None:
        """Two workers, one of which is killed once the array is under way."""
        print("\n# two workers, of which one is killed in the middle", flush=True)
        self._workers = [self._worker(), self._worker()]
        is_killed = False
        until = time.monotonic() + _LONGEST
        while time.monotonic() < until:
            states = self._states()
            done = sum(states[run] == "succeeded" for run in states if ":" in run)
            if not is_killed and done >= 3:
                is_killed = True
                victim = self._workers[0]
                print(f"\n$ kill -9 {victim.pid}    # a worker, with what it holds", flush=True)
                victim.send_signal(signal.SIGKILL)
                self._workers.append(self._worker())
            if is_killed and all(self._is_over(states, run) for run in self._runs.values()):
                return
            time.sleep(_LOOK)
        print("not done in time", flush=True)

    def show(self) -> int:
        """What came of it; gives 0 where it is what it should be."""
        for command in (
            "gristmill runs",
            f"gristmill runs show {self._runs['a step on EMR']} --lines 0",
            "gristmill dead-letter",
            "gristmill schedules",
            "gristmill workers",
            "gristmill stats",
        ):
            self._do(command)
        states = self._states()
        expected = dict.fromkeys(self._runs.values(), "succeeded")
        expected[self._runs["one that fails"]] = "failed"
        wrong = {run: states[run] for run, state in expected.items() if states[run] != state}
        if wrong:
            print(f"not as it should be: {wrong}", flush=True)
        return 1 if wrong else 0

    def end(self) -> None:
        """End what was started."""
        for one in self._workers:
            one.terminate()
        for one in self._workers:
            one.wait()
        self._do("gristmill warm stop", quiet=True)
        self._do("gristmill emr down", quiet=True)

    def _states(self) -> dict[str, str]:
        told = self._do("gristmill runs list -n 50 --json", quiet=True)
        array = self._runs.get("an array of twenty")
        children = f"gristmill runs list -n 50 --parent {array} --json" if array else ""
        below = self._do(children, quiet=True) if children else '{"runs": []}'
        found: list[dict[str, Any]] = json.loads(told)["runs"] + json.loads(below)["runs"]
        return {one["run"]: one["state"] for one in found}

    @staticmethod
    def _is_over(states: Mapping[str, str], run: str) -> bool:
        return states.get(run) in {"succeeded", "failed", "cancelled", "skipped"}

    def _worker(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [_BIN / "gristmill", "worker", "--slots", "2"], cwd=self._folder, env=self._environ
        )

    def _do(self, command: str, *, quiet: bool = False) -> str:
        """Do a command; gives what it printed."""
        if not quiet:
            print(f"\n$ {command}", flush=True)
        program, *words = shlex.split(command)
        done = subprocess.run(
            [_BIN / program, *words],
            cwd=self._folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if quiet else None,
            text=True,
            check=False,
        )
        if not quiet:
            print(done.stdout, end="", flush=True)
        if done.returncode and not quiet:
            raise SystemExit(done.returncode)
        return done.stdout


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
