"""A script in place of a job: `behave.py HOW …` does well, breaks, or goes on until it is ended."""

import sys
import time
from pathlib import Path

HOW = sys.argv[1]
print(f"behaving: {' '.join(sys.argv[1:])}", flush=True)
if HOW == "break":
    raise ValueError("the input is odd")
if HOW == "go-on":
    for beat in range(1500):
        Path(sys.argv[2]).write_text(str(beat))
        time.sleep(0.2)
