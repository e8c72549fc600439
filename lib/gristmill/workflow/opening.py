"""What an engine is made of here: bindings for the folder that an execution was started in."""

from collections.abc import Callable
from pathlib import Path

from gristmill.manager.ledger import Ledger
from gristmill.workflow.bindings.elsewhere import OF_PLACES
from gristmill.workflow.bindings.registry import LocalBindings
from gristmill.workflow.bindings.runs import Runs
from gristmill.workflow.engine.driver import Bindings
from gristmill.workflow.engine.service import LedgerExecutions
from gristmill.workflow.settings import LocalSettings


def open_bindings(ledger: Ledger) -> Callable[[str], Bindings]:
    """What tasks are bound to, for a folder."""

    def opened(folder: str) -> Bindings:
        settings = LocalSettings(Path(folder))
        resources = settings.resources()
        runs = Runs(ledger, settings.folder, settings.place, resources.buckets)
        more = dict.fromkeys(OF_PLACES, runs)
        return LocalBindings(ledger, resources, LedgerExecutions(ledger, folder), {**more})

    return opened
