"""`python -m serving.merge`: exit code 0 merged, 2 the inputs are refused, 1 it could not be done here and now."""

import argparse
import os
import sys
from pathlib import Path

from aftertune.clock import SystemClock
from aftertune.errors import AftertuneError
from serving.merge.merge import merge
from serving.merge.probes import TOLERANCE


def say(line: str) -> None:
    """Progress, seen at once even through a pipe."""
    print(line, flush=True)  # noqa: T201  (progress belongs on standard output)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m serving.merge", description="Merge an adapter into its base."
    )
    parser.add_argument("--release", required=True, help="the release's id, written into the passport")
    parser.add_argument("--base", required=True, type=Path, help="folder of the base model")
    parser.add_argument("--adapter", type=Path, help="folder of the LoRA adapter; none: the base as it is")
    parser.add_argument(
        "--out", required=True, type=Path, help="folder to make; it appears whole or not at all"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        help="largest logit difference that passes (%(default)s)",
    )
    given = parser.parse_args()
    # Nothing here may reach for the network: set before any library reads it.
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    try:
        merge(given.release, given.base, given.adapter, given.out, SystemClock(), say, given.tolerance)
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except OSError as error:
        print(f"error: The merged model cannot be written: {error}.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
