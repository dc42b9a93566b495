"""The training room by hand. `aftertune train` starts `run` as its child; `build` makes the example models."""

import argparse
import sys
from pathlib import Path

from aftertune.settings.sections import TrainingSettings
from training.recipes import RELEASES, write_corpus
from training.run import run


def say(line: str) -> None:
    """Progress, seen at once even through a pipe."""
    print(line, flush=True)


def main() -> int:
    """Reads the command line and does what it says."""
    arguments = _parser().parse_args()
    match arguments.command:
        case "run":
            return run(arguments.spec, arguments.by, fresh=arguments.fresh)
        case "corpus":
            write_corpus(RELEASES[arguments.release], arguments.out)
            return 0
    # Here, since they load torch, which the refusals of a job need not wait for.
    from training.build import build  # noqa: PLC0415
    from training.evaluate import evaluate  # noqa: PLC0415
    from training.tuning import make_reproducible  # noqa: PLC0415

    make_reproducible(TrainingSettings().threads)  # more gain nothing on so small a model
    if arguments.command == "build":
        build(arguments.out, arguments.work, arguments.only, say)
    else:
        evaluate(arguments.models, say)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run_command = commands.add_parser("run", help="train what a spec says, or go on with it")
    run_command.add_argument("spec", type=Path)
    run_command.add_argument("--by", help="who asked for it; default: the account's name")
    run_command.add_argument("--fresh", action="store_true", help="drop the job's checkpoint and adapter")
    corpus_command = commands.add_parser("corpus", help="draw the data of an example release")
    corpus_command.add_argument("--release", choices=list(RELEASES), required=True)
    corpus_command.add_argument("--out", type=Path, required=True, help="folder of its two files")
    build_command = commands.add_parser("build", help="train the base and the example releases")
    build_command.add_argument("--out", type=Path, required=True)
    build_command.add_argument(
        "--work", type=Path, default=Path(".aftertune/models"), help="data, checkpoints"
    )
    parts = ["base", *RELEASES]
    build_command.add_argument("--only", nargs="+", choices=parts, default=parts, help="parts to make anew")
    evaluate_command = commands.add_parser("evaluate", help="measure them on held-out samples")
    evaluate_command.add_argument("--models", type=Path, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
