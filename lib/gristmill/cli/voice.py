"""How the command of this process speaks: what `-q`, `-v` and `--log-format` have asked for."""

import argparse

from gristmill.script.console import Console, Speech


class _Voice(Console):
    def _stamped(self, text: str) -> str:
        return text


_voices = [_Voice()]


def speak(arguments: argparse.Namespace) -> None:
    """Speak from here on as the flags of a command say."""
    _voices[0] = _Voice(Speech.of(arguments) if hasattr(arguments, "log_format") else Speech())


def tell(text: str) -> None:
    """Say something in passing, on standard error."""
    _voices[0].tell(text)


def fail(text: str) -> None:
    """Say why a command failed."""
    _voices[0].fail(text)
