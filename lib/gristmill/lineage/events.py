"""An entry of an output's log, or a run that failed, as an event of OpenLineage.

Names are those of its conventions (https://openlineage.io/docs/spec/naming): of S3 the bucket is
the namespace and the key the name, of this disk `file` and the path.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.generated.base import RunFacet
from openlineage.client.generated.error_message_run import ErrorMessageRunFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.lifecycle_state_change_dataset import (
    LifecycleStateChange,
    LifecycleStateChangeDatasetFacet,
)
from openlineage.client.generated.output_statistics_output_dataset import (
    OutputStatisticsOutputDatasetFacet,
)
from openlineage.client.generated.processing_engine_run import ProcessingEngineRunFacet
from openlineage.client.generated.schema_dataset import (
    SchemaDatasetFacet,
    SchemaDatasetFacetFields,
)

from gristmill.lineage.failures import Failure
from gristmill.model.schema import DatasetSchema
from gristmill.publish.manifest import Change, Manifest

PRODUCER = f"https://pypi.org/project/gristmill/{version('gristmill')}"
_RUNS = uuid.UUID("6f1c3a2e-0c5b-5f0e-9d0a-3d0f0f6b7a11")


SchemaOf = Callable[[str], DatasetSchema | None]
"""Finds the schema of a published dataset by the URI of its folder."""


def event_of(
    root: str,
    entry: Manifest,
    namespace: str,
    comments: Mapping[str, Mapping[str, str]],
    schema_of: SchemaOf = lambda _uri: None,
) -> RunEvent:
    """The event of a publish of the output at `root`, of a job in `namespace`.

    Told twice, it has the same run. `comments` are those of columns, by dataset.
    """
    return RunEvent(
        eventType=RunState.COMPLETE,
        eventTime=entry.committed,
        producer=PRODUCER,
        run=_run(root, entry.run),
        job=_job(namespace, entry.origin.job),
        inputs=[_input(one, schema_of, comments) for one in _inputs(entry)],
        outputs=[
            _output(root, change, comments.get(change.schema.name, {}))
            for change in entry.changes
            # What a run left as it was is none of its outputs.
            if change.files or change.removed
        ],
    )


def failure_of(root: str, failure: Failure, namespace: str) -> RunEvent:
    """The event of a run that failed, of a job in `namespace`: it has no outputs."""
    said = ErrorMessageRunFacet(failure.error, programmingLanguage="PYTHON", producer=PRODUCER)
    return RunEvent(
        eventType=RunState.FAIL,
        eventTime=failure.ended,
        producer=PRODUCER,
        run=_run(root, failure.run, errorMessage=said),
        job=_job(namespace, failure.job),
        inputs=[InputDataset(*dataset_of(one)) for one in _unique(failure.inputs)],
        outputs=[],
    )


def _run(root: str, run: str, **facets: RunFacet) -> Run:
    return Run(
        runId=str(uuid.uuid5(_RUNS, f"{root} {run}")),
        facets={"processing_engine": _engine(), **facets},
    )


def _job(namespace: str, name: str) -> Job:
    kind = JobTypeJobFacet(
        processingType="BATCH", integration="GRISTMILL", jobType="JOB", producer=PRODUCER
    )
    return Job(namespace=namespace, name=name, facets={"jobType": kind})


def _engine() -> ProcessingEngineRunFacet:
    return ProcessingEngineRunFacet(
        version=version("pyspark"),
        name="spark",
        openlineageAdapterVersion=version("gristmill"),
        producer=PRODUCER,
    )


def _inputs(entry: Manifest) -> Iterable[str]:
    """What a run read: the datasets, where it read published ones, else its inputs."""
    made = entry.origin.made
    return sorted(made.sources) if made and made.sources else _unique(entry.origin.inputs)


def _input(
    uri: str, schema_of: SchemaOf, comments: Mapping[str, Mapping[str, str]]
) -> InputDataset:
    schema = schema_of(uri)
    facets: dict[str, Any] = {}
    if schema is not None:
        facets["schema"] = _schema(schema, comments.get(schema.name, {}))
    return InputDataset(*dataset_of(uri), facets=facets)


def _schema(schema: DatasetSchema, comments: Mapping[str, str]) -> SchemaDatasetFacet:
    fields = [
        SchemaDatasetFacetFields(name=column, type=kind, description=comments.get(column))
        for column, kind in schema.fields
    ]
    return SchemaDatasetFacet(fields=fields, producer=PRODUCER)


def _output(root: str, change: Change, comments: Mapping[str, str]) -> OutputDataset:
    namespace, name = dataset_of(f"{root}/{change.schema.name}")
    # What it replaces is gone, where it replaces anything.
    how = LifecycleStateChange.OVERWRITE if change.removed else LifecycleStateChange.ALTER
    return OutputDataset(
        namespace,
        name,
        outputFacets={
            "outputStatistics": OutputStatisticsOutputDatasetFacet(
                rowCount=change.rows,
                size=change.bytes,
                fileCount=len(change.files),
                producer=PRODUCER,
            )
        },
        facets={
            "schema": _schema(change.schema, comments),
            "lifecycleStateChange": LifecycleStateChangeDatasetFacet(how, producer=PRODUCER),
        },
    )


def dataset_of(uri: str) -> tuple[str, str]:
    """The namespace and the name of a place, without what may be secret in it."""
    parts = urlsplit(uri)
    if parts.scheme in {"s3", "s3a"}:
        return f"s3://{parts.netloc}", parts.path.strip("/") or "/"
    if parts.scheme == "jdbc":
        inner = urlsplit(parts.path)
        host = inner.netloc.rpartition("@")[2]
        return f"{inner.scheme}://{host}", inner.path.strip("/") or "/"
    if parts.scheme in {"", "file"}:
        path = parts.path if parts.scheme else str(Path(uri).absolute())
        return "file", path.rstrip("/") or "/"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", parts.path.strip("/") or "/"


def _unique(uris: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(uris))
