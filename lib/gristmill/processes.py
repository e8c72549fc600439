"""Processes of this machine."""

import os


def is_alive(process: int) -> bool:
    """Whether there is a process of that number, whoever's it is; one that has ended, and whose
    parent has not asked how, is still there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
