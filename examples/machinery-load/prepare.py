"""Two hours of 40 machines in each of 3 halls; of the second hour a file does not hold numbers."""

import json
import random
from pathlib import Path


def prepare(folder: Path) -> None:
    """Write the files."""
    source = random.Random(7)
    for hour in ("2026-11-29T08", "2026-11-29T09"):
        for hall in ("hall-a", "hall-b", "hall-c"):
            for machine in range(40):
                file = folder / "data" / hall / hour / f"m{machine:02d}.csv"
                file.parent.mkdir(parents=True, exist_ok=True)
                faults = int(source.random() < 0.1)
                row = f"m{machine:02d},{source.uniform(30, 60):.1f},{faults}\n"
                file.write_text(f"machine,minutes,faults\n{row}", encoding="utf-8")
    broken = folder / "data" / "hall-b" / "2026-11-29T09" / "m07.csv"
    broken.write_text("machine,minutes,faults\nm07,many,0\n", encoding="utf-8")
    lake = folder / "data" / "lake"
    lake.mkdir(parents=True, exist_ok=True)
    history = {"hours": 91.5, "faults": 9}
    (lake / "history.json").write_text(json.dumps(history), encoding="utf-8")
