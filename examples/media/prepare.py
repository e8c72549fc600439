"""Five pictures, and one file that is none."""

import random
from pathlib import Path

from PIL import Image


def prepare(folder: Path) -> None:
    """Draw them."""
    source = random.Random(3)
    uploads = folder / "data" / "uploads" / "frida"
    uploads.mkdir(parents=True, exist_ok=True)
    for number in range(5):
        picture = Image.new("RGB", (640, 400), tuple(source.randrange(256) for _ in range(3)))
        for _ in range(40):
            box = sorted(source.randrange(400) for _ in range(2))
            colour = tuple(source.randrange(256) for _ in range(3))
            picture.paste(colour, (box[0], box[0], box[1] + 1, box[1] + 1))
        picture.save(uploads / f"picture-{number}.png")
    (uploads / "broken.png").write_bytes(b"no picture at all")
