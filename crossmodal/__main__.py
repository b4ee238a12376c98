"""python -m crossmodal: the command line."""

import sys

from crossmodal.cli import main

if __name__ == "__main__":
    sys.exit(main())
