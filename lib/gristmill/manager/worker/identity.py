"""Who a worker is, and whether another of this machine still lives."""

import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from gristmill.manager.ledger.workers import WorkerIdentity
from gristmill.processes import is_alive


def this_process() -> WorkerIdentity:
    """A new worker in this process."""
    host, process = socket.gethostname(), os.getpid()
    name = f"{host}-{process}-{secrets.token_hex(3)}"
    told = _stat(process)
    return WorkerIdentity(name, host, _boot(), process, told[19] if told else "")


def is_dead(worker: WorkerIdentity) -> bool:
    """Whether a worker of this machine has surely gone: it was started again since, the process is
    not there, or another has its number."""
    if worker.boot != _boot():
        return True
    if not is_alive(worker.process):
        return True
    told, then = _stat(worker.process), worker.process_started
    if told is None:
        return False
    # One that has ended, and whose parent has not asked how, is as good as gone.
    return told[0] in {"Z", "X"} or bool(then and told[19] != then)


def _boot() -> str:
    """What the machine has since it was started; empty where it does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _stat(process: int) -> list[str] | None:
    """What Linux tells of a process, from its state on; the 20th is when it was started, in ticks
    since the machine was (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html). None where
    that is not told."""
    with suppress(OSError):
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return words if len(words) > 19 else None
    return None
