"""Where the `gristmill` command starts: nothing is loaded yet, so Ctrl-C is heeded from here on."""

from gristmill.errors import ExitCode


def main() -> int:
    """Run the command of this process; gives its exit code."""
    try:
        from gristmill.cli import main as command  # noqa: PLC0415  it takes a second to load

        return command()
    except KeyboardInterrupt:
        import sys  # noqa: PLC0415

        print("gristmill: interrupted", file=sys.stderr)  # noqa: T201
        return ExitCode.INTERRUPTED
    finally:
        import signal  # noqa: PLC0415

        # What is done or undone by now is settled; only Python is left to end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
