"""The catalogue of jobs, and the contracts of what they write."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from gristmill import Dataset, Field, Options
from gristmill.errors import SchemaError, UsageError
from gristmill.jobs import CATALOGUE
from gristmill.model.dataset import REJECTS
from gristmill.model.job import AnyJob, catalogue
from gristmill.model.options import describe
from gristmill.script.command import job_parser

JOBS = [pytest.param(job, id=name) for name, job in CATALOGUE.items()]
DATASETS = [
    pytest.param(dataset, id=dataset.name) for job in CATALOGUE.values() for dataset in job.writes
]
SPARK_TYPES = (
    {
        kind().simpleString()
        for kind in (
            T.StringType,
            T.BooleanType,
            T.IntegerType,
            T.LongType,
            T.DoubleType,
            T.DateType,
            T.TimestampType,
        )
    }
    | {f"decimal(38,{scale})" for scale in (2, 18)}
    | {"map<string,string>", "map<string,decimal(38,18)>"}
    | {"array<struct<value:string,amount:decimal(38,18)>>"}
)


REQUIRED = {
    "cost-allocation": {"rules": "rules.toml"},
    "budgets": {"budgets": "budgets.toml"},
    "unit-costs": {"per": "traffic_hourly.requests"},
    "utility-statements": {"tariff": "tariff.csv", "zone": "Europe/Oslo"},
}
"""Options that have no default, or do not do by their defaults alone."""


def options_of(job: AnyJob) -> Options:
    """The options of a job of which nothing is said that need not be."""
    return cast("Options", job.options.from_json(REQUIRED.get(job.name, {})))


def dataset(**changes: Any) -> Dataset:
    """A dataset that is right but for `changes`."""
    right: dict[str, Any] = {
        "name": "visits",
        "help": "made up",
        "fields": (
            Field("page", "string", "which"),
            Field("hits", "bigint", "how often"),
            Field("date", "date", "when"),
        ),
        "partitioned_by": ("date",),
        "write_mode": "partition",
        "key": ("date", "page"),
    }
    return Dataset(**(right | changes))


def frame(**columns: T.DataType) -> DataFrame:
    """What a dataset looks at in a frame: its schema."""
    schema = T.StructType([T.StructField(name, kind) for name, kind in columns.items()])
    return cast("DataFrame", SimpleNamespace(schema=schema))


def test_the_catalogue_holds_the_jobs() -> None:
    assert list(CATALOGUE) == [
        *("word-count", "access-logs", "traffic-summary", "traffic-details", "web-sessions"),
        *("flow-summary", "api-activity", "billing-charges", "billing-summary"),
        *("billing-statements", "cost-allocation", "budgets", "cost-anomalies"),
        *("unit-costs", "contract-commitments", "utility-statements"),
    ]


def test_jobs_keep_their_order_under_their_names() -> None:
    last, *others = CATALOGUE.values()
    found = catalogue(*others, last)
    assert list(found.items()) == [(job.name, job) for job in (*others, last)]


def test_two_jobs_of_one_name_are_refused() -> None:
    job = CATALOGUE["word-count"]
    with pytest.raises(ValueError, match="'word-count'"):
        catalogue(job, CATALOGUE["access-logs"], job)


def test_an_empty_catalogue_is_one() -> None:
    assert catalogue() == {}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_found_under_its_name(job: AnyJob) -> None:
    assert CATALOGUE[job.name] is job


def test_no_two_datasets_share_a_name() -> None:
    names = [dataset.name for job in CATALOGUE.values() for dataset in job.writes]
    assert len(set(names)) == len(names)
    assert REJECTS.name not in names


@pytest.mark.parametrize("job", JOBS)
def test_everything_of_a_job_is_explained(job: AnyJob) -> None:
    assert job.help
    assert job.reads.help
    assert all(text for text in job.reads.rejects.values())
    assert all(text for _flag, _default, text in describe(job.options))


@pytest.mark.parametrize("job", JOBS)
def test_default_options_survive_flags_and_json(job: AnyJob) -> None:
    options = options_of(job)
    assert isinstance(options, Options)
    assert job.options.parse(options.render()) == options
    assert job.options.from_json(options.to_json()) == options


@pytest.mark.parametrize("job", JOBS)
def test_options_of_a_job_do_not_clash_with_those_of_every_job(job: AnyJob) -> None:
    words = ["--input", "a", "b", "--output=o", "--max-reject-rate=0.25", *options_of(job).render()]
    read = job_parser(job, "mill").parse_args(words)
    assert (read.input, read.output, read.max_reject_rate) == (["a", "b"], "o", 0.25)
    assert job.options.from_namespace(read) == options_of(job)


@pytest.mark.parametrize("job", JOBS)
def test_the_scope_of_a_job_names_a_partition_of_what_it_writes(job: AnyJob) -> None:
    scope = job.scope(options_of(job))
    assert all(isinstance(value, str) for value in scope.values())
    assert all(set(scope) <= set(dataset.partitioned_by) for dataset in job.writes)


def test_word_counts_are_rewritten_for_the_corpus_that_was_named() -> None:
    job = CATALOGUE["word-count"]
    assert job.scope(job.options(corpus="a/b")) == {"corpus": "a/b"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("word-count", {"tokenizer": "syllables"}),
        ("word-count", {"min_count": 0}),
        ("word-count", {"corpus": ""}),
        ("word-count", {"corpus": " \t"}),
        ("access-logs", {"format": "xml"}),
        ("traffic-summary", {"top": 0}),
        ("utility-statements", {"zone": ""}),
        ("utility-statements", {"interval_minutes": 45}),
        ("utility-statements", {"interval_minutes": 0}),
        ("utility-statements", {"seasons": "summer=5-10"}),
        ("utility-statements", {"currency": "dollar"}),
        ("billing-charges", {"export": " "}),
        ("billing-summary", {"report_currency": "EUR"}),
        ("cost-anomalies", {"threshold": -1}),
    ],
)
def test_values_that_make_no_sense_are_refused(name: str, values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--" + next(iter(values)).replace("_", "-")):
        CATALOGUE[name].options.from_json(REQUIRED.get(name, {}) | values)


@pytest.mark.parametrize("written", DATASETS)
def test_partition_columns_are_the_last_of_a_schema(written: Dataset) -> None:
    names = [field.name for field in written.fields]
    assert tuple(names[-len(written.partitioned_by) :]) == written.partitioned_by


@pytest.mark.parametrize("written", [*DATASETS, pytest.param(REJECTS, id="rejects")])
def test_every_column_has_a_type_that_spark_knows_and_help(written: Dataset) -> None:
    assert written.help
    for field in written.fields:
        assert field.type in SPARK_TYPES, field.name
        assert field.help, field.name


@pytest.mark.parametrize("written", DATASETS)
def test_files_are_sorted_by_columns_that_there_are(written: Dataset) -> None:
    names = {field.name for field in written.fields}
    assert {name.removeprefix("-") for name in written.sorted_by} <= names


@pytest.mark.parametrize("written", [*DATASETS, pytest.param(REJECTS, id="rejects")])
def test_names_are_plain_wherever_they_are_queried(written: Dataset) -> None:
    for name in (written.name, *(field.name for field in written.fields)):
        assert name.isascii(), name
        assert name.isidentifier(), name
        assert name == name.lower()
        assert not name.startswith("_")


@pytest.mark.parametrize("written", DATASETS)
def test_a_key_holds_the_partition(written: Dataset) -> None:
    assert not written.key or set(written.partitioned_by) <= set(written.key)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"key": ("date", "pgae")}, "visits: no field 'pgae'"),
        ({"partitioned_by": ("day",), "key": ()}, "visits: no field 'day'"),
        ({"partitioned_by": ()}, "visits: .*partition"),
        (
            {"fields": (Field("date", "date", "one"), Field("date", "date", "two")), "key": ()},
            "visits: .*twice",
        ),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        dataset(**changes)


def test_rows_may_repeat_where_there_is_no_key() -> None:
    assert dataset(key=()).key == ()


def test_the_schema_as_ddl_quotes_names() -> None:
    assert dataset().ddl == "`page` string, `hits` bigint, `date` date"


def test_a_frame_that_does_not_fit_is_refused_with_every_column_that_is_wrong() -> None:
    wrong = frame(page=T.StringType(), hits=T.IntegerType(), spare=T.StringType())
    with pytest.raises(SchemaError) as refused:
        dataset().conform(wrong)
    assert str(refused.value) == "dataset visits: hits is int, not bigint; date is missing"
