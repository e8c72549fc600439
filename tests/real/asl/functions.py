"""The eight functions that the recordings call, written after their README."""

from typing import Any

LARGE = 300_000


class CustomException(Exception):  # noqa: N818  its name is told
    """What raise_custom_exception raises."""


def id_function(event: Any, _context: Any) -> Any:
    return event


def echo_function(_event: Any, _context: Any) -> Any:
    # Not the event, whatever its name says: read off its recording.
    return {"Return": "HelloWorld"}


def return_bytes_str(_event: Any, _context: Any) -> Any:
    return "HelloWorld!"


def return_decorated_input(event: Any, _context: Any) -> Any:
    return f"input-event-{event}"


def raise_exception(_event: Any, _context: Any) -> Any:
    raise Exception("Some exception was raised.")


def raise_custom_exception(_event: Any, _context: Any) -> Any:
    raise CustomException("CustomException message")


def large_output_string(_event: Any, _context: Any) -> Any:
    return "a" * LARGE
