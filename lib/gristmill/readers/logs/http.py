"""What all logs of HTTP requests have, whatever their format calls it."""

from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from gristmill.model.dataset import Dataset
from gristmill.readers.logs import formats
from gristmill.readers.logs.format import Http


def views() -> dict[str, tuple[Dataset, "partial[DataFrame]"]]:
    """Every dataset of HTTP requests by name, and its view.

    A view has `dataset string, timestamp timestamp, client string, method string, path string,
    status int, bytes bigint, seconds double, forwarded_for string, referer string,
    user_agent string, date date`.
    """
    return {
        found.dataset.name: (found.dataset, partial(_view, found.dataset.name, found.http))
        for found in formats().values()
        if found.http
    }


def _view(name: str, http: Http, rows: DataFrame) -> DataFrame:
    columns = {
        "timestamp": http.timestamp,
        "client": http.client,
        "method": http.method,
        "path": http.path,
        "status": http.status,
        "bytes": http.bytes,
        "seconds": f"cast({http.seconds or 'null'} as double)",
        "forwarded_for": f"cast({http.forwarded_for or 'null'} as string)",
        "referer": f"cast({http.referer or 'null'} as string)",
        "user_agent": f"cast({http.user_agent or 'null'} as string)",
        "date": "date",
    }
    named = [F.expr(expression).alias(column) for column, expression in columns.items()]
    return rows.select(F.lit(name).alias("dataset"), *named)
