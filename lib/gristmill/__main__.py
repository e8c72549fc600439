"""`python -m gristmill`: the same as `gristmill`."""

import sys

from gristmill.start import main

if __name__ == "__main__":
    sys.exit(main())
