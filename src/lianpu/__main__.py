"""`python -m lianpu` is the command `lianpu`."""

from lianpu.cli.main import main

main()
