"""Kernels: text to rows by polars, for those who have it. One module for each layout of lines."""

import os
import sys
from importlib.util import find_spec

from pyspark.sql import SparkSession

SWITCH = "GRISTMILL_KERNELS"
"""The environment variable that turns them off where it is 0."""

SMALL = 8 * 1024 * 1024
"""So many bytes of input are done sooner than polars is loaded."""

_NEEDS = ("polars", "pyarrow")


def are_wanted(spark: SparkSession) -> bool:
    """Whether they may be used, if they can: on this machine, by the Python of this process."""
    context = spark.sparkContext
    is_here = str(context.master).startswith("local") and context.pythonExec == sys.executable
    return is_here and os.environ.get(SWITCH) != "0"


def missing() -> str:
    """A library that they need and that is not installed; empty where all are there."""
    return next((name for name in _NEEDS if find_spec(name) is None), "")


def on_one_core() -> None:
    """Have polars take one core in this process, if it is not loaded yet: others do the same."""
    os.environ["POLARS_MAX_THREADS"] = "1"
