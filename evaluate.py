"""Score a run, as the field writes it: `python evaluate.py RUN ...` is `lianpu evaluate RUN ...`."""

import sys

from lianpu.cli.main import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
