"""`python -m aftertune.settings > docs/settings.md`: the reference of all settings."""

import sys

from aftertune.settings.page import markdown

if __name__ == "__main__":
    sys.stdout.write(markdown())
