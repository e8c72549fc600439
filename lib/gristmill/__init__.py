"""Gristmill: batch on Spark, with the same code and the same guarantees on a laptop and on EMR."""

TYPE_CHECKING = False  # as type checkers know it, without loading `typing`

if TYPE_CHECKING:
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

_MODULES = {
    "ByDay": "job",
    "Check": "quality",
    "Costs": "job",
    "Dataset": "dataset",
    "DatasetReader": "datasets",
    "DatasetsReader": "datasets",
    "Field": "dataset",
    "Job": "job",
    "Options": "options",
    "main": "command",
    "option": "options",
}


def __getattr__(name: str) -> object:
    # Loaded when it is asked for: the command has to heed Ctrl-C before Spark's Python is loaded.
    from importlib import import_module  # noqa: PLC0415

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
