"""A script in place of a job: `behave.py HOW …` does well, breaks, or goes on until it is ended."""

import base64
import json
import sys
import time
from pathlib import Path

WORDS = sys.argv[1:]
if len(WORDS) == 1 and WORDS[0].startswith("argv1."):
    # It travels alone, and so takes apart itself what EMR is given.
    PACKED = WORDS[0].removeprefix("argv1.")
    WORDS = json.loads(base64.urlsafe_b64decode(PACKED + "=" * (-len(PACKED) % 4)))
HOW = WORDS[0]
print(f"behaving: {' '.join(WORDS)}", flush=True)
if HOW == "break":
    raise ValueError("the input is odd")
if HOW == "go-on":
    for beat in range(1500):
        Path(WORDS[1]).write_text(str(beat))
        time.sleep(0.2)
