"""`python -m training build` makes the example models; `python -m training evaluate` measures them."""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import GenerationConfig, Qwen2ForCausalLM, Qwen2Tokenizer

from training.base import BASE_NAME, NOISE, PHASES, SHARES, new_model, training_samples
from training.corpus import TOOLS
from training.encoding import batches, encode
from training.evaluate import evaluate
from training.generate import MOST_NEW_TOKENS
from training.lora import RELEASES, WEIGHTS_FILE, train_release
from training.optimise import optimise
from training.record import dataset_digest, sha256_of, versions, write_record
from training.tokenizer import build_tokenizer

SEED = 7


def say(line: str) -> None:
    """Progress, seen at once even through a pipe."""
    print(line, flush=True)


def train_phase(model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer, phase: int) -> dict[str, Any]:
    """Trains the base through one phase, in place, and returns what its record says of it."""
    say(f"phase {phase + 1} of {len(PHASES)}")
    schedule = PHASES[phase].schedule
    samples = training_samples(phase, SEED)
    rows = batches(encode(samples, tokenizer), schedule.batch, SEED + phase)
    outcome = optimise(model, rows, schedule, tokenizer.pad_token_id, say)
    return {
        **asdict(PHASES[phase]),
        "dataset": {"sha256": dataset_digest(samples), "samples": len(samples)},
        "loss": round(outcome.loss, 5),
        "seconds": round(outcome.seconds, 1),
    }


def build_base(folder: Path) -> None:
    """Trains tokenizer and base and writes both, with a record, into `folder`."""
    tokenizer = build_tokenizer(SEED)
    model = new_model(tokenizer, SEED)
    phases = [train_phase(model, tokenizer, phase) for phase in range(len(PHASES))]
    write_base(folder, model, tokenizer, phases)


def write_base(
    folder: Path, model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer, phases: list[dict[str, Any]]
) -> None:
    """Writes weights, tokenizer, decoding defaults and record into `folder`."""
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=MOST_NEW_TOKENS,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    record = {
        "name": BASE_NAME,
        "seed": SEED,
        "weights_sha256": sha256_of(folder / WEIGHTS_FILE),
        "shares": SHARES,
        "noise": NOISE,
        "phases": phases,
        "versions": versions(),
    }
    write_record(folder, record)


def build(out: Path, only: list[str]) -> None:
    """Makes the named parts (`base` and releases) in `out`, in order."""
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    (out / "tools.json").write_text(json.dumps(TOOLS, indent=2) + "\n", encoding="utf-8")
    if "base" in only:
        say("base")
        build_base(out / "base")
    for name in RELEASES:
        if name in only:
            say(f"release {name}")
            train_release(name, out / "base", out / "adapters", SEED, say)
    say(f"built {', '.join(only)} in {time.monotonic() - started:.0f} s")


def main() -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build_command = commands.add_parser("build", help="train the base and the releases")
    build_command.add_argument("--out", type=Path, required=True)
    parts = ["base", *RELEASES]
    build_command.add_argument("--only", nargs="+", choices=parts, default=parts, help="parts to make anew")
    evaluate_command = commands.add_parser("evaluate", help="measure them on held-out samples")
    evaluate_command.add_argument("--models", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(min(2, torch.get_num_threads()))  # more gain nothing on so small a model
    torch.use_deterministic_algorithms(mode=True)
    if arguments.command == "build":
        build(arguments.out, arguments.only)
    else:
        evaluate(arguments.models, say)


if __name__ == "__main__":
    main()
