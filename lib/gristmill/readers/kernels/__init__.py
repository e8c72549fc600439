"""Kernels: text to rows by polars, for those who have it. One module for each layout of lines."""

import os
import sys
from importlib.util import find_spec
from shutil import which

from pyspark.sql import SparkSession

SWITCH = "GRISTMILL_KERNELS"
"""The environment variable that turns them off where it is 0."""

SMALL = 8 * 1024 * 1024
"""So many bytes of input are done sooner than polars is loaded."""

_NEEDS = ("polars", "pyarrow")


def are_here(spark: SparkSession) -> bool:
    """Whether tasks run on this machine."""
    return str(spark.sparkContext.master).startswith("local[")


def are_wanted(spark: SparkSession) -> bool:
    """Whether they may be used, if they can: not by another Python on this machine."""
    is_other = are_here(spark) and which(spark.sparkContext.pythonExec) != which(sys.executable)
    return os.environ.get(SWITCH) != "0" and not is_other


def missing(spark: SparkSession) -> str:
    """A library that they need and that is not installed where tasks run; empty where all are
    there."""
    lacking = [name for name in _NEEDS if find_spec(name) is None]
    if not lacking and not are_here(spark):
        needs = ("gristmill", *_NEEDS)
        cores = range(spark.sparkContext.defaultParallelism)
        each = spark.sparkContext.parallelize(cores, len(cores))
        # By no function of ours, which a machine that lacks us could not load.
        found = each.map(lambda _: [name for name in needs if find_spec(name) is None]).collect()
        lacking = [name for names in found for name in names]
    return lacking[0] if lacking else ""


def on_one_core() -> None:
    """Have polars take one core in this process, if it is not loaded yet: others do the same."""
    os.environ["POLARS_MAX_THREADS"] = "1"
