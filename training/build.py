"""The example models from nothing: tokenizer, base, and the releases by the path that every job takes."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, Qwen2ForCausalLM, Qwen2Tokenizer

from aftertune.digest import weights_digest
from training.base import BASE_NAME, NOISE, PHASES, SHARES, new_model, training_samples
from training.checkpoint import Progress
from training.encoding import batches, encode
from training.generate import MOST_NEW_TOKENS
from training.job import drop_checkpoint
from training.optimise import optimise
from training.order import place_order
from training.recipes import RELEASES, SEED, TOOLS_FILE, sample_conversation, write_corpus, write_tools
from training.record import samples_digest, versions, write_record
from training.tokenizer import build_tokenizer
from training.tuning import Tuning

BASE = "base"
Say = Callable[[str], None]


def build(out: Path, work: Path, only: list[str], say: Say) -> None:
    """Makes the named parts (`base` and releases) in `out`, in order; `work` keeps data and checkpoints."""
    started = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    write_tools(out / TOOLS_FILE)
    if BASE in only:
        say(BASE)
        build_base(out / BASE, say)
    for name in RELEASES:
        if name in only:
            say(f"release {name}")
            build_release(name, out, work / name, say)
    say(f"built {', '.join(only)} in {time.monotonic() - started:.0f} s")


def build_release(name: str, out: Path, work: Path, say: Say) -> None:
    """Draws the release's data, trains it as any job would be, and moves its adapter to `out/adapters`."""
    write_corpus(RELEASES[name], work)
    order = place_order(RELEASES[name].spec(name, out / BASE, out / TOOLS_FILE, work))

    def report(progress: Progress, saved: int | None) -> None:
        if saved == progress.step and progress.points:
            say(
                f"step {progress.step} of {order.steps}, validation loss {progress.points[-1].validation:.4f}"
            )

    adapter = Tuning(order, work, report, stop=lambda: False).run()
    if adapter is not None:
        target = out / "adapters" / name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(adapter, target)
        drop_checkpoint(work)


def build_base(folder: Path, say: Say) -> None:
    """Trains tokenizer and base and writes both, with a record, into `folder`."""
    tokenizer = build_tokenizer(SEED)
    model = new_model(tokenizer, SEED)
    phases = [_train_phase(model, tokenizer, phase, say) for phase in range(len(PHASES))]
    _write_base(folder, model, tokenizer, phases)


def _train_phase(model: Qwen2ForCausalLM, tokenizer: Qwen2Tokenizer, phase: int, say: Say) -> dict[str, Any]:
    """Trains the base through one phase, in place, and returns what its record says of it."""
    say(f"phase {phase + 1} of {len(PHASES)}")
    schedule = PHASES[phase].schedule
    samples = training_samples(phase, SEED)
    rows = batches(
        encode([sample_conversation(each) for each in samples], tokenizer), schedule.batch, SEED + phase
    )
    outcome = optimise(model, rows, schedule, tokenizer.pad_token_id, say)
    return {
        "breadth": PHASES[phase].breadth,
        "schedule": schedule.model_dump(exclude_none=True),
        "dataset": {"sha256": samples_digest(samples), "samples": len(samples)},
        "loss": round(outcome.loss, 5),
        "seconds": round(outcome.seconds, 1),
    }


def _write_base(
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
        "weights_sha256": weights_digest(folder),
        "shares": SHARES,
        "noise": NOISE,
        "phases": phases,
        "versions": versions(),
    }
    write_record(folder, record)
