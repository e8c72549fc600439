"""Bringing a ledger's database up to date: Alembic's migrations, then the triggers."""

from importlib import resources

import sqlalchemy as sa

from gristmill.errors import UsageError
from gristmill.manager.ledger.triggers import install

HEAD = "0003"
"""The newest migration."""


def bring_up_to_date(engine: sa.Engine) -> None:
    """Make the tables, or change them into those of this version; nothing where they are.

    Raises `UsageError` where a later version has changed them.
    """
    if revision(engine) == HEAD:
        return
    # Alembic takes a moment to load, and most commands find all as it should be.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    folder = resources.files("gristmill.manager.ledger") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Of several that are started at once, one does it.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7420150)")
        current = _current(connection)
        if current is not None and current not in known:
            raise UsageError(
                f"the ledger was made by a later Gristmill (its revision is {current}, the newest "
                f"that this one knows {HEAD}): use that one"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
        install(connection)


def revision(engine: sa.Engine) -> str | None:
    """The migration that a database is at; None for a new one."""
    with engine.connect() as connection:
        return _current(connection)


def _current(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)
