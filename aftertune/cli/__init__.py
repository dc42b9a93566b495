"""The command line: parses, calls the console's API (or starts the rooms), prints. Nothing is decided here."""

import sys

from aftertune.errors import AftertuneError


def main() -> None:
    """Run a command. Exit code 0, 1 (something failed) or 2 (the caller must change something)."""
    from aftertune.cli.app import app  # noqa: PLC0415  (keeps `import aftertune.cli` cheap)

    try:
        app()
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(error.exit_code)
