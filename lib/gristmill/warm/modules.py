"""What the warm process imports, so that no run has to."""

from importlib import import_module

_NAMES = (
    "encodings.idna",
    "gristmill.cli.console",
    "gristmill.cli.main",
    "gristmill.cli.running",
    "gristmill.jobs",
    "pyspark.sql.classic.dataframe",
    "pyspark.sql.classic.window",
    "pyspark.sql.functions",
    # PySpark loads it, and pandas with it, to learn whether there is a pandas.
    "pyspark.testing",
)


def load() -> None:
    """Import it."""
    for name in _NAMES:
        import_module(name)
