"""`make emr-demo`: a job from this machine to EMR and back, with no AWS in it.

Each command is what a user would type; the AWS that they reach is the simulator, on loopback, and
the step runs spark-submit for real.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from gristmill.sample import write_samples
from simulator.aws import Simulator

_BIN = Path(sys.executable).parent


def main() -> int:
    """Run the demo; gives the exit code of the first command that failed, or 0."""
    start = time.monotonic()
    with TemporaryDirectory(prefix="gristmill-demo-") as folder, Simulator() as aws:
        inputs = _upload(aws, Path(folder) / "samples")
        output = f"s3://{aws.bucket}/out"
        _say(f"an AWS of our own is at {aws.endpoint}, and sample logs are in {inputs}")
        account = aws.write_account(Path(folder) / "account.toml")
        environ = {**os.environ, **aws.environ, "GRISTMILL_EMR_ACCOUNT": str(account)}
        for command in (
            "gristmill emr up",
            f"gristmill emr submit access-logs --input {inputs} --output {output}",
            f"gristmill datasets list {output}",
            f"gristmill rejects {output}",
            "gristmill emr status",
            "gristmill emr down",
        ):
            print(f"\n$ {command}", flush=True)
            program, *arguments = shlex.split(command)
            done = subprocess.run([_BIN / program, *arguments], env=environ, check=False)
            if done.returncode:
                return done.returncode
    _say(f"\nthat was {time.monotonic() - start:.0f} s, and nothing of it was on AWS")
    return 0


def _upload(aws: Simulator, folder: Path) -> str:
    """Sample logs in S3; gives their URI."""
    write_samples(folder)
    for path in sorted((folder / "logs").iterdir()):
        aws.client("s3").upload_file(str(path), aws.bucket, f"in/logs/{path.name}")
    return f"s3://{aws.bucket}/in/logs"


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
