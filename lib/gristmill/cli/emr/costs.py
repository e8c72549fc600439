"""What runs cost: as billed, as they would elsewhere, and the prices that estimates are made of."""

import argparse
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from gristmill.cli.emr.context import HomeContext, SpecContext
from gristmill.cli.show import Block, Table, blocks
from gristmill.cli.show import show as print_value
from gristmill.cli.voice import tell
from gristmill.emr.billed import Billed, billed
from gristmill.emr.compare import Estimate, compare
from gristmill.emr.cost import cost
from gristmill.emr.files import CLUSTERS
from gristmill.emr.price_list import PriceLists
from gristmill.emr.prices import read_prices
from gristmill.emr.runs import Record
from gristmill.emr.specs import Spec, load_spec
from gristmill.emr.submit import runner_of
from gristmill.errors import ExitCode, GristmillError, InputError, OutputError, UsageError
from gristmill.outputs.output import open as open_datasets
from gristmill.runs import State

_COLUMNS = ("export", "tags", "charge_period_start", "charge_period_end", "service_name")
_COSTS = ("billing_currency", "effective_cost", "billed_cost")
_LAST_RUNS = 50


@dataclass(frozen=True)
class RunCost:
    """What a run was billed, by service, and what it was estimated to cost; `of` says of what the
    charges are, as their tags tell."""

    run: str
    of: str
    services: tuple[Billed, ...]
    estimate: str | None


@dataclass(frozen=True)
class Elsewhere:
    """What a run like `run` would cost on each spec, in `currency`."""

    run: str
    currency: str
    vcpu_hours: Decimal
    specs: tuple[Estimate, ...]


def show(arguments: argparse.Namespace) -> int:
    """Show what a run was billed, beside the estimate; gives the exit code."""
    context = HomeContext.of(arguments)
    record = context.runs.load(arguments.run)
    runner, handle = runner_of(context.aws, record)
    try:
        status = runner.poll([handle])[handle]
        found = cost(context.aws, record, handle, status, read_prices(arguments.prices))
        estimate, started, ended = (str(found) if found else None), status.started, status.ended
    except GristmillError as error:
        # AWS forgets a cluster after two months; its charges stay.
        tell(f"note: {error}")
        estimate, started, ended = None, datetime.fromisoformat(record.created), None
    output = open_datasets(arguments.charges)
    if "charges" not in output:
        raise InputError(f"{arguments.charges} has no charges: gristmill run billing-charges …")
    rows = output["charges"].arrow([*_COLUMNS, *_COSTS]).to_pylist()
    of, services = billed(rows, record, handle, started, ended)
    print_value(RunCost(record.run, of, services, estimate), as_json=arguments.json)
    return ExitCode.DONE


@blocks.register
def _(found: RunCost) -> Iterable[Block]:
    rows = [
        (
            *(one.export, one.service, one.currency),
            *(f"{one.effective:,.4f}", f"{one.billed:,.4f}", f"{one.lines:,}"),
        )
        for one in found.services
    ]
    heading = ("export", "service", "currency", "effective cost", "billed cost", "lines")
    yield Table(heading, rows) if rows else "no charge has its tags (yet)"
    yield f"charges of {found.of}"
    if found.estimate:
        yield f"estimated: {found.estimate}"


def make_prices(arguments: argparse.Namespace) -> int:
    """Make a table of prices of AWS's price lists; gives the exit code."""
    lists = PriceLists()
    for path in arguments.lists:
        lists.add(path)
    text = lists.to_toml(arguments.spot_share)
    try:
        arguments.to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {arguments.to}: {error.strerror}") from error
    read_prices(arguments.to)
    tell(
        f"wrote {arguments.to}: {len(lists.ec2.keys() & lists.emr.keys()):,} instance types in "
        f"{lists.region}, as published on {lists.published}"
    )
    return ExitCode.DONE


def show_elsewhere(arguments: argparse.Namespace, job: str) -> None:
    """Show what the last run of a job that succeeded would cost on each spec."""
    context = SpecContext.of(arguments)
    prices = read_prices(arguments.prices)
    for record in context.runs.newest(_LAST_RUNS):
        hours = _vcpu_hours(context, record, job, arguments)
        if hours is not None:
            specs = _specs(arguments, context.spec)
            found = compare(hours, specs.values(), prices)
            told = Elsewhere(record.run, prices.currency, hours, tuple(found))
            print_value(told, as_json=arguments.json)
            return
    raise UsageError(f"--costs goes by the last run of {job} that succeeded, and there is none")


def _vcpu_hours(
    context: HomeContext, record: Record, job: str, arguments: argparse.Namespace
) -> Decimal | None:
    """The vCPU hours of a run; None where it is of another job, has not succeeded or is gone."""
    if record.handle is None or record.submission.job != job:
        return None
    runner, handle = runner_of(context.aws, record)
    try:
        status = runner.poll([handle])[handle]
        if status.state is not State.SUCCEEDED:
            return None
        found = cost(context.aws, record, handle, status, read_prices(arguments.prices))
    except GristmillError:
        return None
    return found.vcpu_hours if found else None


def _specs(arguments: argparse.Namespace, own: Spec) -> Mapping[str, Spec]:
    """The specs that have a name, and the one that was named."""
    found = {own.name: own}
    for path in sorted(Path(CLUSTERS).glob("*.toml")):
        try:
            spec = load_spec(path.stem, arguments.account)
        except UsageError as error:
            tell(f"note: {re.sub(chr(10) + '.*', '', str(error), flags=re.DOTALL)}")
            continue
        found.setdefault(spec.name, spec)
    return found


@blocks.register
def _(found: Elsewhere) -> Iterable[Block]:
    yield (
        f"what run {found.run} would cost, by its {found.vcpu_hours:.2f} vCPU hours, in "
        f"{found.currency}:"
    )
    rows = [
        (
            one.spec,
            str(one.vcpus) if one.vcpus else "any",
            _amount(one.cost),
            "-" if one.hours is None else f"{one.hours * 60:.0f} min",
            _amount(one.graviton),
            _amount(one.spot),
            one.note,
        )
        for one in found.specs
    ]
    heading = ("spec", "vCPUs", "cost", "takes", "on Graviton", "task nodes Spot", "")
    yield Table(heading, rows)


def _amount(amount: Decimal | None) -> str:
    return "-" if amount is None else f"{amount:.4f}"
