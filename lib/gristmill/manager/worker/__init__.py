"""Workers: they claim runs, see them through at their places, and write down what came of it."""

from gristmill.manager.worker.loop import Worker, WorkerOptions

__all__ = ["Worker", "WorkerOptions"]
