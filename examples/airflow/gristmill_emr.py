"""Gristmill on EMR as an operator of Airflow, and a night of it as a DAG.

The key of a run is that of the task in its DAG's run: tried again, or on another worker, it is the
same run, which is taken up and not started twice.
"""

import datetime
import hashlib
from collections.abc import Sequence
from typing import Any

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.models import BaseOperator
from airflow.models.dag import DAG

from gristmill.api import emr
from gristmill.errors import GristmillError


class GristmillEmrOperator(BaseOperator):
    """Run a job on EMR and see it through. `flags` are those of `gristmill.api.emr.run`."""

    template_fields: Sequence[str] = ("input", "output", "flags")

    def __init__(self, *, job: str, input: str, output: str, **more: Any) -> None:  # noqa: A002
        self.flags: dict[str, Any] = more.pop("flags", {})
        super().__init__(**more)
        self.job, self.input, self.output = job, input, output
        self._key = ""

    def execute(self, context: dict[str, Any]) -> dict[str, Any]:
        """Run it; gives its report, for the tasks behind it."""
        task = context["ti"]
        where = f"{task.dag_id} {task.task_id} {task.run_id} {task.map_index}"
        self._key = f"airflow-{hashlib.sha256(where.encode()).hexdigest()[:32]}"
        try:
            report = emr.run(
                self.job,
                input=self.input,
                output=self.output,
                key=self._key,
                notice=self.log.info,
                **self.flags,
            )
        except GristmillError as error:
            # The same again would fail again.
            kind = AirflowException if error.retryable else AirflowFailException
            raise kind(str(error)) from error
        return report.to_json()

    def on_kill(self) -> None:
        """End the run with its task."""
        if self._key:
            emr.cancel(self._key, cluster=self.flags.get("cluster", "dev"))


with DAG(
    dag_id="gristmill_nightly",
    schedule="0 2 * * *",
    start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    catchup=False,
) as dag:
    logs = GristmillEmrOperator(
        task_id="access_logs",
        job="access-logs",
        input="s3://my-logs/{{ ds }}/",
        output="s3://my-lake/web",
        flags={"cluster": "nightly", "transient": True},
    )
    traffic = GristmillEmrOperator(
        task_id="traffic_summary",
        job="traffic-summary",
        input="s3://my-lake/web",
        output="s3://my-lake/web",
        flags={"cluster": "nightly", "transient": True},
    )
    _ = logs >> traffic
