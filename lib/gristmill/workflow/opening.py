"""What an engine is made of here: bindings for the folder that an execution was started in."""

from collections.abc import Callable
from pathlib import Path

from gristmill.manager.ledger import Ledger, Transaction
from gristmill.workflow.bindings.elsewhere import OF_PLACES
from gristmill.workflow.bindings.nested import NoSuchMachineError
from gristmill.workflow.bindings.registry import LocalBindings
from gristmill.workflow.bindings.runs import Runs
from gristmill.workflow.engine.driver import Bindings
from gristmill.workflow.engine.service import (
    LedgerExecutions,
    Registered,
    machine_of,
    register,
)
from gristmill.workflow.settings import LocalSettings


def open_bindings(ledger: Ledger) -> Callable[[str], Bindings]:
    """What tasks are bound to, for a folder."""

    def opened(folder: str) -> Bindings:
        settings = LocalSettings(Path(folder))
        resources = settings.resources()
        runs = Runs(ledger, settings.folder, settings.place, resources.buckets)
        more = dict.fromkeys(OF_PLACES, runs)
        executions = LedgerExecutions(ledger, folder, _named(settings))
        return LocalBindings(ledger, resources, executions, {**more})

    return opened


def _named(settings: LocalSettings) -> Callable[[Transaction, str], Registered]:
    """Finds the state machine of a name: one of the project's files, or one of the ledger's."""

    def found(tx: Transaction, name: str) -> Registered:
        file = settings.machines.get(name)
        if file is None:
            return machine_of(tx, name)
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise NoSuchMachineError(f"{file} cannot be read: {error}") from error
        return register(tx, name, text, aws=settings.aws)

    return found
