"""`python -m dashboards` writes the generated files; `--check` says which differ from the code, exit code 1."""

import argparse
import sys

from dashboards.generate import FOLDER, differences, write


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dashboards", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; say what differs")
    if not parser.parse_args(arguments).check:
        write(FOLDER)
        return 0
    said = differences(FOLDER)
    for line in said:
        print(line, file=sys.stderr)  # noqa: T201
    if said:
        print("Run 'python -m dashboards' and commit what it writes.", file=sys.stderr)  # noqa: T201
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
