"""Query logs of Amazon Route 53's resolver: JSON, a query a line.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resolver-query-logs-format.html. Columns
are named as the keys are; what is nested is kept as JSON, and keys that are not known here are
passed over.
"""

import json

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from gristmill.model.checks import REASON
from gristmill.model.dataset import Field
from gristmill.readers.logs import format as log
from gristmill.readers.logs import values
from gristmill.readers.logs.format import Header, LogFormat
from gristmill.readers.logs.json_text import STRICT
from gristmill.readers.text.lines import ORIGIN, RAW, SOURCE_FILE

FIELDS = (
    Field("version", "string", "of the log's format"),
    Field("account_id", "string", "owner of the VPC"),
    Field("region", "string", "region of the VPC"),
    Field("vpc_id", "string", "VPC that the query came from"),
    Field("query_timestamp", "timestamp", "when it was asked, UTC"),
    Field("query_name", "string", "the name that was asked for"),
    Field("query_type", "string", "type of the record, such as A or AAAA"),
    Field("query_class", "string", "class of the query: IN"),
    Field("rcode", "string", "how it was answered, such as NOERROR or NXDOMAIN"),
    Field("answers", "string", "what was answered, as JSON"),
    Field("srcaddr", "string", "address of who asked"),
    Field("srcport", "int", "port of who asked"),
    Field("transport", "string", "UDP, TCP …"),
    Field("srcids", "string", "instance or endpoint that asked, as JSON"),
    Field("firewall_rule_action", "string", "ALERT or BLOCK, where a rule of DNS Firewall applied"),
    Field("firewall_rule_group_id", "string", "the group of that rule"),
    Field("firewall_domain_list_id", "string", "the list that the name was in"),
)

DNS_QUERIES = log.requests(
    name="dns_queries",
    help_="One row for each query to the DNS resolver of a VPC.",
    fields=FIELDS,
    time="query_timestamp",
)

REJECTS = log.reasons(
    *("empty_line", "nul_byte", "bad_json", "not_this_format", "bad_timestamp"),
    *("bad_number", "bad_address", "bad_value"),
)
_VALUES = {"account_id": "[0-9]{12}", "vpc_id": "vpc-[0-9a-z]+", "srcport": values.PORT}


def parse(lines: DataFrame, _header: Header | None) -> DataFrame:
    """Lines with the columns of `ORIGIN` to rows of `DNS_QUERIES`, or a reason why not."""
    found = F.from_json(RAW, "map<string,string>", STRICT)
    rows = lines.select(*ORIGIN, found.alias("_all"))
    pieces = {field.name: log.text(F.col("_all")[field.name]) for field in FIELDS}
    rows = rows.withColumn("query_timestamp", log.utc(pieces["query_timestamp"]))
    return rows.select(
        *ORIGIN,
        _reason(pieces).alias(REASON),
        *(
            F.col(field.name)
            if field.type == "timestamp"
            else pieces[field.name].try_cast(field.type).alias(field.name)
            for field in FIELDS
        ),
        F.col(SOURCE_FILE).alias("source_file"),
        F.to_date("query_timestamp").alias("date"),
    )


def _reason(pieces: dict[str, Column]) -> Column:
    keys = F.map_keys("_all")
    is_double = F.size(F.array_distinct(keys)) < F.size(keys)
    return log.reason(
        REJECTS,
        {
            "bad_json": F.col("_all").isNull() | is_double,
            "not_this_format": ~F.array_contains(keys, "query_timestamp"),
            "bad_timestamp": F.col("query_timestamp").isNull(),
            "bad_number": log.is_bad_number(pieces["srcport"], "int"),
            "bad_address": log.is_none_of(pieces, {"srcaddr": values.ADDRESS}),
            "bad_value": log.is_none_of(pieces, _VALUES),
        },
    )


def _matches(line: str) -> bool:
    if not line.startswith("{") or '"query_timestamp"' not in line:
        return False
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return bool({"query_timestamp", "query_name", "rcode"} <= found.keys())


FORMATS = (
    LogFormat(
        name="route53_resolver",
        help="Route 53 Resolver query logs: JSON, a query a line",
        dataset=DNS_QUERIES,
        rejects=REJECTS,
        matches=_matches,
        parse=parse,
    ),
)
