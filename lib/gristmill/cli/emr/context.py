"""What the flags of a command name: the spec, its AWS, the runs below its home."""

import argparse
import json
import os
import shlex
from dataclasses import dataclass
from pathlib import Path

from gristmill.emr.aws import Aws
from gristmill.emr.files import ACCOUNT
from gristmill.emr.redact import redact
from gristmill.emr.runs import Runs
from gristmill.emr.specs import Spec, load_spec
from gristmill.emr.specs.load import load_home


@dataclass(frozen=True)
class HomeContext:
    """What a command works on that only looks after runs."""

    aws: Aws
    runs: Runs
    home: str

    @staticmethod
    def of(arguments: argparse.Namespace) -> "HomeContext":
        """Where the runs of the spec that the flags name are. Raises `UsageError`."""
        found = load_home(arguments.cluster, arguments.account)
        aws = Aws(found.region)
        return HomeContext(aws, Runs(aws, found.home), found.home)


@dataclass(frozen=True)
class SpecContext(HomeContext):
    """What a command works on that needs the whole spec."""

    spec: Spec

    @staticmethod
    def of(arguments: argparse.Namespace) -> "SpecContext":
        """What the flags name. Raises `UsageError`."""
        spec = load_spec(arguments.cluster, arguments.account)
        aws = Aws(spec.region)
        return SpecContext(aws, Runs(aws, spec.home), spec.home, spec)


def print_requests(requests: object) -> int:
    """Print requests as JSON, without secrets; gives the exit code."""
    print(json.dumps(redact(requests), indent=2))
    return 0


def resume_command(arguments: argparse.Namespace, run: str) -> str:
    """The command that takes up a run again."""
    flags = "" if arguments.cluster == "dev" else f" --cluster {shlex.quote(arguments.cluster)}"
    usual = Path(os.environ.get("GRISTMILL_EMR_ACCOUNT", ACCOUNT))
    flags += (
        "" if arguments.account == usual else f" --account {shlex.quote(str(arguments.account))}"
    )
    return f"gristmill emr attach{flags} {run}"
