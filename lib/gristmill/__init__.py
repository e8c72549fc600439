"""Gristmill: batch on Spark, with the same code and the same guarantees on a laptop and on EMR."""

_WHERE = {
    "ByDay": "model.job",
    "Check": "model.checks",
    "Costs": "model.job",
    "Dataset": "model.dataset",
    "DatasetReader": "readers.published",
    "DatasetsReader": "readers.published",
    "Field": "model.dataset",
    "Job": "model.job",
    "Options": "model.options",
    "Progress": "model.progress",
    "Reader": "model.job",
    "Reading": "model.job",
    "Report": "model.report",
    "main": "script.command",
    "open": "outputs.output",
    "option": "model.options",
    "run": "api.run",
    "submit": "manager.submit",
}
"""The public API: where each name is defined. Types are in `__init__.pyi`."""

__all__ = list(_WHERE)


_EXTENSION = "load_ipython_extension"
"""What `%load_ext gristmill` calls: Spark as `spark`, with a link to its pages."""


def __getattr__(name: str) -> object:
    # Loaded when it is asked for: the command has to heed Ctrl-C before Spark's Python is loaded.
    from importlib import import_module  # noqa: PLC0415

    if name == _EXTENSION:
        return getattr(import_module(f"{__name__}.api.notebook"), name)
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
