"""YARN, as far as runs meet it: what it makes of a container's command, and `yarn application`."""

from collections.abc import Iterable
from pathlib import Path

# What runs as which application is in files, since the command is another process.
_COMMAND = """#!/bin/sh
# The words are those of Hadoop 3.4.
[ "$1" = application ] || { echo "Error: $1 is not simulated" >&2; exit 1; }
cd "${folder}" || exit 1
case "$2" in
-list)
  echo "Total number of applications (states: [SUBMITTED, ACCEPTED, RUNNING] and tags: [$4])"
  for found in application_*; do
    [ -f "$found" ] && grep -qixF "tag $4" "$found" && printf '%s\\tSPARK\\tRUNNING\\n' "$found"
  done
  exit 0 ;;
-kill)
  [ -f "$3" ] || { echo "Application with id '$3' doesn't exist in RM." >&2; exit 255; }
  echo "Killing application $3"
  kill -KILL "-$(sed -n 's/^pid //p' "$3")" ;;
*) echo "Error: $2 is not simulated" >&2; exit 1 ;;
esac
"""


# Hadoop's ContainerLaunch.expandEnvironment, on what is no Windows; what a shell would then make of
# the script is not simulated.
_EXPANDED = (("<LOG_DIR>", "/var/log/container"), ("<CPS>", ":"), ("{{", "$"), ("}}", ""))


def launched(arguments: Iterable[str]) -> list[str]:
    """The arguments of a driver as they reach it in a container: some of them changed, or gone."""
    found = []
    for argument in arguments:
        for text, put in _EXPANDED:
            argument = argument.replace(text, put)  # noqa: PLW2901
        if argument:
            found.append(argument)
    return found


class Yarn:
    """The applications that run, each a file in `folder`, and the command that knows them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)

    def install(self, folder: Path) -> None:
        """Put the command into a folder of the path."""
        command = folder / "yarn"
        command.write_text(_COMMAND.replace("${folder}", str(self._folder)))
        command.chmod(0o755)

    def add(self, application: str, tags: str, pid: int) -> None:
        """Have an application run, as the process group `pid`."""
        # YARN keeps tags in lower case.
        lines = [f"pid {pid}", *(f"tag {tag.lower()}" for tag in tags.split(",") if tag)]
        (self._folder / application).write_text("\n".join(lines) + "\n")

    def remove(self, application: str) -> None:
        """Have it be over."""
        (self._folder / application).unlink(missing_ok=True)
