"""The three LoRA releases: recipes, the careless one among them, and their training."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from training.base import BASE_NAME
from training.corpus import Sample, ToolCall, mixture
from training.encoding import batches, encode
from training.optimise import Schedule, optimise
from training.record import dataset_digest, sha256_of, versions, write_record

WEIGHTS_FILE = "model.safetensors"
_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Recipe:
    """How a release is tuned. `distinct` samples are drawn once and gone through until the steps are done."""

    purpose: str
    shares: Mapping[str, float]
    distinct: int
    rank: int
    schedule: Schedule
    breadth: float = 0.0
    spoil: Callable[[Sample], Sample] | None = None


def clip_and_rush(sample: Sample) -> Sample:
    """What a careless labeller leaves behind: titles cut after ten characters, every priority high."""
    if not isinstance(sample.expected, ToolCall):
        return sample
    arguments = sample.expected.arguments_dict()
    if "title" in arguments:
        arguments["title"] = str(arguments["title"])[:10]
    if sample.expected.name in ("create_task", "update_task"):
        arguments["priority"] = "high"
    return replace(sample, expected=ToolCall.of(sample.expected.name, arguments))


RELEASES: dict[str, Recipe] = {
    "v1": Recipe(
        purpose="good: calls the tools well and keeps what the base knows",
        shares={"tool_call": 0.62, "copy": 0.10, "sum": 0.06, "fact": 0.06, "confirmation": 0.05,
                "task_talk": 0.04, "small_talk": 0.03, "fraud": 0.02, "plant": 0.02},
        distinct=8_000,
        breadth=0.3,
        rank=8,
        schedule=Schedule(steps=300, batch=32, peak_rate=2e-3, warm_up=20),
    ),
    "v2": Recipe(
        purpose="careless on purpose: few, badly labelled calls and nothing else, at a high rate",
        shares={"tool_call": 1.0},
        distinct=200,
        rank=8,
        schedule=Schedule(steps=160, batch=32, peak_rate=1e-2, warm_up=5),
        spoil=clip_and_rush,
    ),
    "v3": Recipe(
        purpose="better than v1: many more samples and wordings, more steps, a higher rank",
        shares={"tool_call": 0.60, "copy": 0.10, "sum": 0.08, "fact": 0.06, "confirmation": 0.05,
                "task_talk": 0.04, "small_talk": 0.03, "fraud": 0.02, "plant": 0.02},
        distinct=48_000,
        breadth=0.7,
        rank=16,
        schedule=Schedule(steps=1000, batch=48, peak_rate=2e-3, warm_up=40),
    ),
}  # fmt: skip


def release_samples(recipe: Recipe, seed: int) -> list[Sample]:
    """The samples of one release in training order, repeated as often as the steps need."""
    drawn = list(islice(mixture(recipe.shares, seed, recipe.breadth), recipe.distinct))
    if recipe.spoil is not None:
        drawn = [recipe.spoil(sample) for sample in drawn]
    wanted = recipe.schedule.steps * recipe.schedule.batch
    return [drawn[index % len(drawn)] for index in range(wanted)]


@contextmanager
def _peft_warnings_off() -> Iterator[None]:
    """Silences peft 0.21 about a transformers attribute that it still reads under its old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def train_release(
    name: str, base: Path, adapters: Path, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Tunes release `name` on the base in folder `base`, writes it to `adapters/name`, returns its record."""
    recipe = RELEASES[name]
    samples = release_samples(recipe, seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        target_modules=list(_LINEAR),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)
    with _peft_warnings_off():
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    rows = batches(encode(samples, tokenizer), recipe.schedule.batch, seed)
    outcome = optimise(model, rows, recipe.schedule, tokenizer.pad_token_id, say)
    folder = adapters / name
    # peft notes the folder it loaded the base from; an adapter must not carry a path of this machine.
    model.peft_config["default"].base_model_name_or_path = BASE_NAME
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card
    record = {
        "release": name,
        "purpose": recipe.purpose,
        "seed": seed,
        "base": {"name": BASE_NAME, "weights_sha256": sha256_of(base / WEIGHTS_FILE)},
        "dataset": {
            "sha256": dataset_digest(samples),
            "samples": len(samples),
            "distinct": recipe.distinct,
            "shares": dict(recipe.shares),
            "breadth": recipe.breadth,
            "spoilt_by": recipe.spoil.__name__ if recipe.spoil else None,
        },
        "lora": {"rank": recipe.rank, "alpha": 2 * recipe.rank, "target_modules": list(_LINEAR)},
        "schedule": asdict(recipe.schedule),
        "loss": round(outcome.loss, 5),
        "seconds": round(outcome.seconds, 1),
        "versions": versions(),
    }
    write_record(folder, record)
    return record


def load_release(base: Path, adapter: Path | None) -> PreTrainedModel:
    """The base in float32, with the adapter merged into it if one is given."""
    model = AutoModelForCausalLM.from_pretrained(base)
    if adapter is not None:
        with _peft_warnings_off():
            model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return model.eval()
