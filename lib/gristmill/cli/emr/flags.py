"""The commands of `gristmill emr` and their flags, for which boto3 is not loaded."""

import argparse
import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.emr.files import ACCOUNT, PRICES
from gristmill.model.options import duration
from gristmill.script.console import add_flags

if TYPE_CHECKING:
    from gristmill.cli.parser import Commands


def add(commands: "Commands") -> None:
    """Add the commands."""
    text = "run a job: gristmill emr submit [FLAG …] JOB --input s3://… --output s3://…"
    added = _command(commands, "submit", "submitting:submit_job", text)
    _add_wanted(added)
    _add_watching(added)
    added.add_argument("--detach", action="store_true", help="submit, and do not wait")
    text = "print the request as JSON and ask AWS nothing"
    added.add_argument("--dry-run", action="store_true", help=text)
    text = "print the exact requests as JSON and ask AWS nothing: plan submit JOB …, up, deploy"
    plans = commands.group("plan", text)
    added = _command(plans, "submit", "submitting:show_plan", "what submit would ask for")
    text = "instead, by AWS: what the last run of the job would cost on each spec"
    added.add_argument("--costs", action="store_true", help=text)
    _add_prices(added)
    _add_wanted(added)
    _command(plans, "up", "targets:show_plan", "what up would ask for")
    _add_deploy(_command(plans, "deploy", "deploy:show_plan", "what deploy would ask for"))
    text = "print a CloudFormation template by which AWS runs a job: template [FLAG …] JOB …"
    added = _command(commands, "template", "submitting:show_template", text)
    text = "when: cron(0 2 * * ? *), rate(1 day) or at(2026-12-01T02:00:00), as EventBridge has it"
    added.add_argument("--schedule", metavar="EXPRESSION", help=text)
    text = "EventBridge Scheduler calls the API; a state machine of Step Functions sees it through"
    added.add_argument(
        "--with",
        dest="kind",
        choices=("scheduler", "step-functions"),
        default="scheduler",
        help=f"{text} (default: scheduler)",
    )
    text = "bring to S3 what the template names; without it, AWS is asked nothing"
    added.add_argument("--upload", action="store_true", help=text)
    _add_wanted(added)
    text = "take up a run again: wait for it and show its answer"
    added = _command(commands, "attach", "submitting:attach", text)
    added.add_argument("run", metavar="RUN")
    _add_watching(added)
    text = "try a run again that did not succeed; a chain goes on with the job that was not done"
    added = _command(commands, "resume", "submitting:resume", text)
    added.add_argument("run", metavar="RUN")
    _add_watching(added)
    _add_looking(commands)
    _add_costs(commands)
    _add_targets(commands)
    text = "make what EMR needs in the account, or bring it up to date (docs/emr-account.md)"
    _add_deploy(_command(commands, "deploy", "deploy:make", text))


def _add_looking(commands: "Commands") -> None:
    text = "list the newest runs, or show all of one"
    added = _command(commands, "status", "runs:status", text)
    added.add_argument("run", nargs="?", metavar="RUN")
    added.add_argument("-n", type=int, default=20, help="how many (default: 20)")
    _add_prices(added)
    added = _command(commands, "cancel", "runs:cancel", "end a run")
    added.add_argument("run", metavar="RUN")
    text = "show what a run's driver printed, and where the logs are"
    added = _command(commands, "logs", "logs:show", text)
    added.add_argument("run", metavar="RUN")
    text = "print what comes until the run has ended"
    added.add_argument("--follow", action="store_true", help=text)
    added.add_argument("--driver", action="store_true", help="only what the driver printed")
    text = "what the bootstrap actions of its cluster printed"
    added.add_argument("--bootstrap", action="store_true", help=text)
    text = "say where Spark's web pages of a run are: a URL at AWS, good for an hour at most"
    added = _command(commands, "ui", "ui:show", text)
    added.add_argument("run", metavar="RUN")
    text = "what is written down of runs: runs forget RUN takes it away, and nothing else"
    kept = commands.group("runs", text)
    text = "forget a run that has ended, or that never started; its output and logs stay"
    added = _command(kept, "forget", "forget:forget", text)
    added.add_argument("run", metavar="RUN")
    text = "also where AWS cannot say whether it has ended"
    added.add_argument("--force", action="store_true", help=text)


def _command(commands: "Commands", name: str, handler: str, text: str) -> argparse.ArgumentParser:
    added = commands.add(name, f"emr.{handler}", text)
    text = f"what all specs share (default: $GRISTMILL_EMR_ACCOUNT, or {ACCOUNT})"
    account = Path(os.environ.get("GRISTMILL_EMR_ACCOUNT", ACCOUNT))
    added.add_argument("--account", type=Path, default=account, metavar="FILE", help=text)
    if name != "deploy":
        text = "the spec: a name in emr/clusters, or a TOML file (default: dev)"
        added.add_argument("--cluster", default="dev", metavar="SPEC", help=text)
    add_flags(added)
    return added


def _add_costs(commands: "Commands") -> None:
    text = "show what a run was billed, by its tags in charges, beside the estimate"
    added = _command(commands, "cost", "costs:show", text)
    added.add_argument("run", metavar="RUN")
    text = "the output that billing-charges writes"
    added.add_argument("--charges", required=True, metavar="OUTPUT", help=text)
    _add_prices(added)
    text = "make a table of prices of AWS's price lists: those of AmazonEC2 and ElasticMapReduce"
    added = commands.add("prices", "emr.costs:make_prices", text)
    text = "a price list of one region, as CSV or JSON, and again for each more"
    added.add_argument(
        "--from", dest="lists", type=Path, action="append", required=True, metavar="FILE", help=text
    )
    text = "the table to write, for --prices"
    added.add_argument("--to", type=Path, required=True, metavar="FILE", help=text)
    text = "what Spot costs, as a share of On-Demand, which no list says (default: 0.40)"
    added.add_argument("--spot-share", type=_share, default="0.40", metavar="SHARE", help=text)
    add_flags(added)


def _share(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(-1)
    if not (found.is_finite() and 0 < found <= 1):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 0.40")
    return found


def _add_targets(commands: "Commands") -> None:
    text = "make the cluster or the application, if it is not there"
    added = _command(commands, "up", "targets:make", text)
    text = "change an application that is not what its spec says"
    added.add_argument("--update", action="store_true", help=text)
    text = "end the cluster, or stop the application"
    added = _command(commands, "down", "targets:end", text)
    _add_prices(added)
    text = "end the runs that go on there too, and do not ask"
    added.add_argument("--force", action="store_true", help=text)
    added.add_argument("--delete", action="store_true", help="delete the application as well")
    text = "list the clusters and applications that are there, and what they have cost"
    _add_prices(_command(commands, "clusters", "targets:show", text))


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--transient", action="store_true", help="on a cluster made for this run")
    text = "a name for the run: submitted twice under one name, it runs once"
    parser.add_argument("--run", metavar="KEY", help=text)
    text = "ship these dependencies, too: a file as pip takes"
    parser.add_argument("--requirements", type=Path, metavar="FILE", help=text)
    text = "run the jobs that FILE names, one on each line with its flags, one after the other"
    parser.add_argument("--chain", type=Path, metavar="FILE", help=text)
    parser.add_argument("job", nargs="?", metavar="JOB")
    text = "the job's own flags; then JOB … for another one after it"
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="…", help=text)


def _add_watching(parser: argparse.ArgumentParser) -> None:
    text = "stop watching after this span; the run goes on (default: 12h)"
    parser.add_argument("--deadline", type=duration, default="12h", metavar="SPAN", help=text)
    text = "at --deadline, cancel the run"
    parser.add_argument("--cancel", action="store_true", help=text)
    text = "cancel the run once it has cost more than this, by the estimate"
    parser.add_argument("--budget", type=_amount, metavar="AMOUNT", help=text)
    text = "where its machines are lost, do not try it once more"
    parser.add_argument("--no-retry", action="store_true", help=text)
    text = "on Ctrl-C, cancel the run and do not ask"
    parser.add_argument("--cancel-on-interrupt", action="store_true", help=text)
    text = "of a run that failed, neither read its logs nor wait for them"
    parser.add_argument("--no-logs", action="store_true", help=text)
    _add_prices(parser)


def _amount(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(0)
    if not (found.is_finite() and found > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 2.50")
    return found


def _add_prices(parser: argparse.ArgumentParser) -> None:
    text = "another table of prices (default: emr/prices.toml)"
    parser.add_argument("--prices", type=Path, default=PRICES, metavar="FILE", help=text)


def _add_deploy(parser: argparse.ArgumentParser) -> None:
    """The flags of a deployment: what is left out stays as it is."""
    add = parser.add_argument
    add("--region", metavar="NAME", help="where (default: as the AWS tools have it)")
    add("--stack", default="gristmill", metavar="NAME", help="its name (default: gristmill)")
    add("--vpc", metavar="ID", help="the VPC of clusters; a new stack needs it")
    text = "a subnet for clusters, and again for each more; a new stack needs one"
    add("--subnet", dest="subnets", action="append", metavar="ID", help=text)
    text = "a route table that gets a way to S3 of its own (a gateway endpoint)"
    add("--route-table", dest="route_tables", action="append", metavar="ID", help=text)
    text = "a folder in S3 that jobs may read, and again for each more"
    add("--input", dest="inputs", action="append", metavar="URI", help=text)
    text = "a folder in S3 that jobs may read and write, and again for each more"
    add("--output", dest="outputs", action="append", metavar="URI", help=text)
    text = "a folder in S3, of another bucket, for S3's logs of who reads and writes the bucket"
    add("--access-logs", metavar="URI", help=text)
    text = "a database of Glue, of which a policy of its own lets tables be registered"
    add("--catalog-database", metavar="NAME", help=text)
    add("--kms-key", metavar="ARN", help="encrypts the bucket and the disks of clusters")
    text = "a key with which inputs or outputs are encrypted"
    add("--data-kms-key", dest="data_kms_keys", action="append", metavar="ARN", help=text)
    text = "a spec that may be submitted to; without any, all"
    add("--cluster-name", dest="cluster_names", action="append", metavar="NAME", help=text)
    add("--name-prefix", metavar="TEXT", help="what names of roles begin with")
    add("--log-days", type=int, metavar="N", help="how long logs are kept")
    text = "how long what was replaced in the bucket is kept"
    add("--old-version-days", type=int, metavar="N", help=text)
