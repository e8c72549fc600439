"""Whose made charges are, against plain Python over the same charges."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pyarrow.dataset as arrow
import pytest
from pyspark.sql import SparkSession

from gristmill.cloud_costs import allocation_rules
from gristmill.errors import InputError, UsageError
from gristmill.jobs import billing_charges, cost_allocation
from gristmill.jobs.cost_allocation import CostAllocationOptions
from tests.spark.test_billing_summary import run
from tests.support import billing
from tests.support.billing import MEASURES, Charge, period, team
from tests.support.once import once

MADE = billing.made_charges(7, [2, 3], 200)
RULES = """
[[shared]]
name = "support"
service = "service 3"
split = "evenly"
among = ["shop", "mill", "bakery"]

[[shared]]
name = "network"
service = ["service 4", "nothing"]
category = "Usage"
split = "by_weight"
among = { mill = 3, shop = 1.5 }

[[shared]]
name = "tax"
category = "Tax"
split = "in_proportion"

[[rule]]
name = "first account"
account = "000000000000"
owner = "shop"

[[rule]]
name = "team"
owner_from = "tag.team"

[[rule]]
name = "credits of the rest"
category = "Credit"
tag.team = "*"
owner = "nobody"

[[rule]]
name = "abroad"
region = "us-east-1"
provider = "AWS"
owner_from = "account"
"""


@pytest.fixture(scope="module")
def charges(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        billing.write_focus(folder / "focus.csv", MADE)
        run(spark, billing_charges.JOB, folder / "focus.csv", folder / "out")

    return once(tmp_path_factory, "owners", make) / "out"


def allocate(spark: SparkSession, charges: Path, folder: Path, rules: str) -> list[dict[str, Any]]:
    (folder / "rules.toml").write_text(rules)
    options = CostAllocationOptions(rules=str(folder / "rules.toml"))
    run(spark, cost_allocation.JOB, charges, folder / "out", options)
    found = arrow.dataset(folder / "out" / "cost_by_owner", format="parquet", partitioning="hive")
    rows: list[dict[str, Any]] = found.to_table().to_pylist()
    return rows


def rule_of(charge: Charge) -> tuple[str | None, str | None]:  # noqa: PLR0911  one a rule
    """The rule that a charge falls under, and its owner where it is direct."""
    if charge["service_name"] == "service 3":
        return "support", None
    if charge["service_name"] == "service 4" and charge["charge_category"] == "Usage":
        return "network", None
    if charge["charge_category"] == "Tax":
        return "tax", None
    if charge["sub_account_id"] == "000000000000":
        return "first account", "shop"
    if team(charge):
        return "team", team(charge)
    if charge["region_id"] == "us-east-1" and charge["provider_name"] == "AWS":
        return "abroad", charge["sub_account_id"]
    return None, None


def sums(charges: Sequence[Charge]) -> dict[Any, list[Decimal]]:
    found: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 5)
    with localcontext() as context:
        context.prec = 60
        for charge in charges:
            total = found[period(charge), charge["billing_currency"], *rule_of(charge)]
            for place, name in enumerate(MEASURES):
                total[place] += charge[name] or 0
            total[-1] += 1
    return found


def test_direct_shared_and_unallocated_costs(
    spark: SparkSession, charges: Path, tmp_path: Path
) -> None:
    rows = allocate(spark, charges, tmp_path, RULES)
    wanted = sums(MADE)
    months = {key[:2] for key in wanted}
    direct = {
        (row["billing_period"], row["billing_currency"], row["rule"], row["owner"]): [
            *(row[name] for name in MEASURES),
            row["charges"],
        ]
        for row in rows
        if row["kind"] != "shared"
    }
    assert direct == {
        key: total for key, total in wanted.items() if key[2] not in ("support", "network", "tax")
    }
    for month in months:
        mine: dict[str, Decimal] = defaultdict(Decimal)
        for key, total in wanted.items():
            if key[:2] == month and key[3]:
                mine[key[3]] += total[1]
        weights = {
            "support": dict.fromkeys(("bakery", "mill", "shop"), Decimal(1)),
            "network": {"mill": Decimal(3), "shop": Decimal("1.5")},
            "tax": {owner: cost for owner, cost in mine.items() if cost > 0},
        }
        for rule, parts in weights.items():
            its = {
                row["owner"]: row
                for row in rows
                if (row["billing_period"], row["billing_currency"], row["rule"]) == (*month, rule)
            }
            assert its.keys() == parts.keys()
            whole = wanted[(*month, rule, None)]
            for place, name in enumerate(MEASURES):
                with localcontext() as context:
                    context.prec = 60
                    assert sum(row[name] for row in its.values()) == whole[place]
                    for owner, row in its.items():
                        part = whole[place] * parts[owner] / sum(parts.values())
                        assert abs(row[name] - part) <= abs(whole[place]) * Decimal("1e-11")
            assert sum(row["charges"] for row in its.values()) == whole[-1]


def test_what_is_shared_among_nobody_is_unallocated(
    spark: SparkSession, charges: Path, tmp_path: Path
) -> None:
    rules = '[[shared]]\nname = "all"\nprovider = "*"\nsplit = "in_proportion"\n'
    rows = allocate(spark, charges, tmp_path, rules)
    assert {(row["owner"], row["kind"], row["rule"]) for row in rows} == {
        (None, "unallocated", "all")
    }
    assert sum(row["charges"] for row in rows) == len(MADE)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("[[rule]", "is no TOML"),
        ("", r"has \[\[shared\]\] and \[\[rule\]\]"),
        ("[[rules]]\nowner = 'a'", "not rules"),
        ("[rule]\nowner = 'a'", "has rule otherwise than as"),
        ("[[rule]]\naccount = '1'", "rule 1: it takes one of owner"),
        ("[[rule]]\nowner = 'a'\nowner_from = 'tag.b'", "rule 1: it takes one of owner"),
        ("[[rule]]\nowner_from = 'team'", "rule 1: owner_from is"),
        ("[[rule]]\nowner = 'a'\nteam = 'b'", "rule 1: team is unknown; charges are chosen by"),
        ("[[rule]]\nowner = 'a'\naccount = 12", "rule 1: account takes a text, or a list"),
        ("[[rule]]\nowner = 'a'\ntag = 'b'", "rule 1: tag takes names"),
        ("[[rule]]\nowner = 'a'\n[[rule]]\nowner = 'b'\nname = 'rule 1'", "two rules of the name"),
        ("[[shared]]\naccount = '1'\nsplit = 'fairly'", "shared 1: split is one of evenly"),
        ("[[shared]]\nsplit = 'in_proportion'", "shared 1: it says of no charges"),
        ("[[shared]]\naccount = '1'\nsplit = 'evenly'", "shared 1: among whom"),
        ("[[shared]]\naccount = '1'\nsplit = 'by_weight'\namong = ['a']", "with which weights"),
        (
            "[[shared]]\naccount = '1'\nsplit = 'by_weight'\namong = {a = 0}",
            "the weight of a is a number above 0 and below 10,000,000, not 0",
        ),
        (
            "[[shared]]\naccount = '1'\nsplit = 'by_weight'\namong = {a = 1e7}",
            "the weight of a is a number above 0 and below 10,000,000, not",
        ),
        (
            "[[shared]]\naccount = '1'\nsplit = 'by_weight'\namong = {a = nan}",
            "the weight of a is a number above 0",
        ),
    ],
)
def test_what_is_no_rule_is_refused_by_name(rules: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        allocation_rules.parse(rules, "rules.toml")


def test_rules_are_asked_for() -> None:
    with pytest.raises(UsageError, match="--rules is missing"):
        CostAllocationOptions()
