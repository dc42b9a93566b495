"""`python -m aftertune`: the command line."""

from aftertune.cli import main

main()
