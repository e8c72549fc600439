"""The logs and readings of the repository's samples."""

import shutil
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "data" / "sample"


def prepare(folder: Path) -> None:
    """Put them where a night's input lies."""
    samples = SAMPLES if SAMPLES.exists() else Path.cwd() / "data" / "sample"
    raw = folder / "data" / "raw"
    shutil.copytree(samples / "logs", raw / "logs", dirs_exist_ok=True)
    shutil.copytree(samples / "utility", raw / "utility", dirs_exist_ok=True)
