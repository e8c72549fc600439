"""What is committed to by contract, from when to when, as FOCUS has it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import Dataset, Field, Job, main, option
from gristmill.readers.tables import TableColumn, TableOptions, TableReader

_MONEY = "decimal(38,18)"


def _column(name: str, spelling: str, text: str, type_: str = "string") -> TableColumn:
    required = name in ("contract_commitment_id", "contract_id")
    return TableColumn(name, type_, text, required=required, spellings=(spelling, name))


# https://focus.finops.org/focus-specification/v1-4/: the dataset Contract Commitment, new in 1.3.
COLUMNS = (
    _column("contract_id", "ContractId", "the contract"),
    _column("contract_commitment_id", "ContractCommitmentId", "the commitment in it"),
    _column("contract_commitment_category", "ContractCommitmentCategory", "Spend or Usage"),
    _column("contract_commitment_type", "ContractCommitmentType", "the provider's kind of it"),
    _column("contract_commitment_description", "ContractCommitmentDescription", "in words"),
    _column("contract_commitment_lifecycle_status", "ContractCommitmentLifecycleStatus", "status"),
    _column("contract_commitment_cost", "ContractCommitmentCost", "committed money", _MONEY),
    _column("contract_commitment_quantity", "ContractCommitmentQuantity", "or quantity", _MONEY),
    _column("contract_commitment_unit", "ContractCommitmentUnit", "unit of the quantity"),
    _column(
        *("contract_commitment_period_start", "ContractCommitmentPeriodStart", "start, UTC"),
        "timestamp",
    ),
    _column(
        *("contract_commitment_period_end", "ContractCommitmentPeriodEnd", "end, exclusive, UTC"),
        "timestamp",
    ),
    _column("contract_period_start", "ContractPeriodStart", "of the contract, UTC", "timestamp"),
    _column("contract_period_end", "ContractPeriodEnd", "exclusive, UTC", "timestamp"),
    _column("billing_currency", "BillingCurrency", "currency of the cost, ISO 4217"),
    _column("invoice_issuer_name", "InvoiceIssuerName", "who invoices it"),
    _column("service_provider_name", "ServiceProviderName", "who sells it"),
)

CONTRACT_COMMITMENTS = Dataset(
    name="contract_commitments",
    help="Commitments by contract, a row each, in the terms of FOCUS.",
    fields=(
        *(column.field for column in COLUMNS),
        Field("export", "string", "which export, as --export names it"),
    ),
    partitioned_by=("export",),
    write_mode="partition",
    key=("export", "contract_commitment_id"),
    sorted_by=("contract_commitment_period_end", "contract_commitment_id"),
)


@dataclass(frozen=True)
class ContractCommitmentsOptions(TableOptions):
    """Where the commitments belong."""

    export: str = option(
        "default", pattern=r".*\S.*", metavar="NAME", help="which export it is: a cloud, a payer"
    )


def commitments(rows: DataFrame, options: ContractCommitmentsOptions) -> Mapping[str, DataFrame]:
    """Rows of `COLUMNS` to rows of `CONTRACT_COMMITMENTS`."""
    return {CONTRACT_COMMITMENTS.name: rows.withColumn("export", F.lit(options.export))}


JOB = Job(
    name="contract-commitments",
    help="Load FOCUS's dataset of contract commitments.",
    options=ContractCommitmentsOptions,
    reads=TableReader(COLUMNS, nulls=("NULL", "null")),
    writes=(CONTRACT_COMMITMENTS,),
    transform=commitments,
    scope=lambda options: {"export": options.export},
    max_reject_rate=0.0,
)

if __name__ == "__main__":
    main(JOB)
