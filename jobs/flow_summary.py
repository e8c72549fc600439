"""How much went where in a VPC, and what was turned away."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill import ByDay, Dataset, DatasetReader, Field, Job, Options, main
from gristmill.readers.logs.vpc_flow import VPC_FLOWS

FLOW_SUMMARY = Dataset(
    name="flow_summary",
    help="Flows by what became of them, protocol and destination port.",
    fields=(
        Field("action", "string", "ACCEPT or REJECT; null where it was not logged"),
        Field("protocol", "int", "IANA protocol number: 6 TCP, 17 UDP, 1 ICMP"),
        Field("dstport", "int", "destination port"),
        Field("flows", "bigint", "how many flows"),
        Field("packets", "bigint", "sum of their packets; an unknown number counts 0"),
        Field("bytes", "bigint", "sum of their bytes; an unknown number counts 0"),
        Field("date", "date", "day, UTC"),
    ),
    partitioned_by=("date",),
    key=("date", "action", "protocol", "dstport"),
    sorted_by=("action", "protocol", "dstport"),
    write_mode="partition",
)


def summarise(flows: DataFrame, _options: Options) -> Mapping[str, DataFrame]:
    """Rows of `VPC_FLOWS` to rows of `FLOW_SUMMARY`; records without data are left out."""
    has_data = F.coalesce("log_status", F.lit("OK")) == "OK"
    summed = [F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in ("packets", "bytes")]
    grouped = flows.where(has_data).groupBy("date", "action", "protocol", "dstport")
    return {FLOW_SUMMARY.name: grouped.agg(F.count(F.lit(1)).alias("flows"), *summed)}


JOB = Job(
    name="flow-summary",
    help="Summarise VPC flows by action, protocol and port.",
    options=Options,
    reads=DatasetReader(VPC_FLOWS),
    writes=(FLOW_SUMMARY,),
    transform=summarise,
    by_day=ByDay("date"),
)

if __name__ == "__main__":
    main(JOB)
