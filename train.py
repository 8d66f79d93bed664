"""Train an editor, as the field writes it: `python train.py --dataset CelebA --image_size 256 ...` is `lianpu train ...`."""

import sys

from lianpu.cli.main import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
