"""Thumbnails of pictures, and of videos where ffmpeg is installed."""

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

FOLDER = Path(__file__).parent
_VIDEOS = {".mp4", ".mov", ".webm"}


class WorkerIsGone(Exception):  # noqa: N818  the retrier's name for it
    """The machine that did it went away: another does it."""


class Unreadable(Exception):  # noqa: N818  what a broken picture is
    """This is no picture."""


def thumbnail(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Make one thumbnail with a watermark. The first try on some machines fails."""
    source = FOLDER / "data" / "uploads" / event["key"]
    _may_fail(event)
    name = f"{Path(event['key']).with_suffix('')}-{event['size']}.png"
    target = FOLDER / "data" / "thumbnails" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with Image.open(_picture(source)) as picture:
            small = picture.convert("RGB")
    except OSError as error:
        raise Unreadable(f"{event['key']}: {error}") from error
    small.thumbnail((event["size"], event["size"]))
    draw = ImageDraw.Draw(small)
    draw.text((4, small.height - 14), "gallery", fill=(255, 255, 255))
    small.save(target)
    return {"key": name}


def _picture(source: Path) -> Path:
    """A file that holds a picture: of a video, its first one."""
    if source.suffix not in _VIDEOS:
        return source
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise Unreadable(f"{source.name}: videos need ffmpeg")
    target = source.with_suffix(".first.png")
    asked = [ffmpeg, "-y", "-loglevel", "error", "-i", str(source), "-frames:v", "1", str(target)]
    subprocess.run(asked, check=True)
    return target


def _may_fail(event: dict[str, Any]) -> None:
    """One machine in four goes away, once."""
    digest = hashlib.sha256(f"{event['key']}{event['size']}".encode()).hexdigest()
    mark = FOLDER / "data" / "tried" / digest
    if int(digest, 16) % 4 == 0 and not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        raise WorkerIsGone("it was a Spot instance")
