"""Gristmill: batch on Spark, with the same code and the same guarantees on a laptop and on EMR."""

from gristmill.command import main
from gristmill.dataset import Dataset, Field
from gristmill.datasets import DatasetReader, DatasetsReader
from gristmill.job import ByDay, Costs, Job
from gristmill.options import Options, option
from gristmill.quality import Check

__all__ = [
    "ByDay",
    "Check",
    "Costs",
    "Dataset",
    "DatasetReader",
    "DatasetsReader",
    "Field",
    "Job",
    "Options",
    "main",
    "option",
]
