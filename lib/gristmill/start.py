"""Where the `gristmill` command starts: nothing is loaded yet, so Ctrl-C is heeded from here on."""

import sys

from gristmill.errors import ExitCode


def main(*, at_once: bool = False) -> int:
    """Run the command of this process; gives its exit code.

    A run is handed over to the warm process, unless it is to be done here, `at_once`.
    """
    try:
        if not at_once:
            from gristmill.warm.client import hand_over  # noqa: PLC0415  a few milliseconds

            code = hand_over(sys.argv[1:])
            if code is not None:
                return code
        from gristmill.cli import main as command  # noqa: PLC0415  it takes a second to load

        return command()
    except KeyboardInterrupt:
        print("gristmill: interrupted", file=sys.stderr)  # noqa: T201
        return ExitCode.INTERRUPTED
    finally:
        import signal  # noqa: PLC0415

        # What is done or undone by now is settled; only Python is left to end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
