"""The drivers with which Spark reaches a database."""

from gristmill.spark.jars import Jars

_PREFIX = "jdbc:"

DRIVERS = {
    "postgresql": Jars(
        "postgresql-42.7.14",
        "PostgreSQL (1 MB, once)",
        ("org.postgresql:postgresql:42.7.14",),
        "7f26e072975dbb7d65d4f12645c90d20002616f8ceacde4e7a49d2b3bd2c458a",
    ),
    "sqlite": Jars(
        "sqlite-3.54.1.0",
        "SQLite (12 MB, once)",
        ("org.xerial:sqlite-jdbc:3.54.1.0",),
        "7ce343979c8abaaa9554b502a97fc29edf7a66c7fc663c57a63a22f6147bbffc",
    ),
}
"""The driver of each kind of database, by its name in a JDBC URL."""


def database_kind(uri: str) -> str | None:
    """The kind of database that a JDBC URL names; None where it is no such URL."""
    return uri.removeprefix(_PREFIX).partition(":")[0] if uri.startswith(_PREFIX) else None
