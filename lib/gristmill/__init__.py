"""Gristmill: batch on Spark, with the same code and the same guarantees on a laptop and on EMR."""

TYPE_CHECKING = False  # as type checkers know it, without loading `typing`

if TYPE_CHECKING:
    from gristmill.model.checks import Check
    from gristmill.model.dataset import Dataset, Field
    from gristmill.model.job import ByDay, Costs, Job
    from gristmill.model.options import Options, option
    from gristmill.readers.published import DatasetReader, DatasetsReader
    from gristmill.script.command import main

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
    "ByDay": "model.job",
    "Check": "model.checks",
    "Costs": "model.job",
    "Dataset": "model.dataset",
    "DatasetReader": "readers.published",
    "DatasetsReader": "readers.published",
    "Field": "model.dataset",
    "Job": "model.job",
    "Options": "model.options",
    "main": "script.command",
    "option": "model.options",
}


def __getattr__(name: str) -> object:
    # Loaded when it is asked for: the command has to heed Ctrl-C before Spark's Python is loaded.
    from importlib import import_module  # noqa: PLC0415

    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
