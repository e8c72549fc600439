"""What is wrong with a layout that somebody asks for, said before anything is read."""

from gristmill.errors import UsageError
from gristmill.readers import local_time
from gristmill.readers.logs import formats
from gristmill.readers.logs.format import LogFormat
from gristmill.readers.logs.layout.compiled import compiled
from gristmill.readers.logs.layout.parse import layout_format

_NOT_SAID = ("auto", "layout")


def check_layout(layout: str, format_: str, zone: str) -> None:
    """Raises `UsageError` for a layout that cannot be read, one beside a format, a zone that is not
    there, and times of which nobody says the zone."""
    if zone:
        local_time.check_zone(zone)
    if (layout or format_) in formats():
        check_zone(formats()[layout or format_], zone)
    if not layout:
        if format_ == "layout":
            raise UsageError("--format layout takes the layout, too: --layout '$remote_addr …'")
        return
    if layout in formats():
        if format_ not in {*_NOT_SAID, layout}:
            raise UsageError(f"--layout {layout} and --format {format_}: say one of them")
        return
    if format_ not in _NOT_SAID:
        raise UsageError(f"--layout and --format {format_}: say one of them")
    check_zone(layout_format(repr(layout), "", compiled(layout)), zone)


def check_zone(format_: LogFormat, zone: str) -> None:
    """Raises `UsageError` for times of which nobody says the zone."""
    if format_.in_zone and not zone:
        raise UsageError(
            f"{format_.name}: its times do not say their zone; --zone NAME does, such as "
            "--zone Europe/Berlin"
        )
