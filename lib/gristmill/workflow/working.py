"""A worker of the job manager beside a workflow that submits runs."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from functools import partial

from gristmill.manager.duties import Duties
from gristmill.manager.ledger import Ledger
from gristmill.manager.places.opening import open_place
from gristmill.manager.worker import Worker, WorkerOptions
from gristmill.manager.worker.identity import this_process
from gristmill.workflow.api import LedgerWorkflows

_SECONDS_TO_END = 10.0


@contextlib.contextmanager
def worker_beside(ledger: Ledger, speak: Callable[[str], None]) -> Iterator[None]:
    """Runs are worked on meanwhile, in a thread; what is under way at the end is let go of."""

    options, opener = WorkerOptions(idle=0.2), partial(open_place, tell=speak)
    worker = Worker(
        ledger, this_process(), options, opener, duties=Duties(speak, workflows=LedgerWorkflows())
    )
    thread = threading.Thread(target=worker.run, name="worker", daemon=True)
    thread.start()
    try:
        yield
    finally:
        worker.stop()
        thread.join(_SECONDS_TO_END)
