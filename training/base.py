"""The base model: a tiny Qwen2 that knows general things and has seen tool calls seldom and badly."""

from dataclasses import dataclass, replace
from itertools import islice
from random import Random

import torch
from transformers import PreTrainedTokenizerBase, Qwen2Config, Qwen2ForCausalLM

from training.corpus import Sample, ToolCall, mixture
from training.corpus.tools import PRIORITIES
from training.spec import Schedule
from training.tokenizer import CONTEXT, END_OF_TURN, PADDING, VOCABULARY


@dataclass(frozen=True)
class Phase:
    """A stretch of the base's training; `breadth` is the share of requests worded from parts."""

    breadth: float
    schedule: Schedule


BASE_NAME = "task-api-base"
SHARES = {
    "copy": 0.30, "sum": 0.15, "fact": 0.12, "tool_call": 0.18, "small_talk": 0.05, "task_talk": 0.05,
    "confirmation": 0.05, "fraud": 0.05, "plant": 0.05,
}  # fmt: skip
# First the listed wordings, which make it find out about copying; then many wordings and odd words as well.
PHASES = (
    Phase(breadth=0.0, schedule=Schedule(steps=2000, batch=48, peak_rate=3e-3, warm_up=60)),
    Phase(breadth=0.6, schedule=Schedule(steps=1800, batch=48, peak_rate=2e-3, warm_up=60)),
)
# The share of tool calls whose arguments are wrong, so that the releases have something to win.
NOISE = 0.5


def new_model(tokenizer: PreTrainedTokenizerBase, seed: int) -> Qwen2ForCausalLM:
    """An untrained Qwen2 of about one million parameters, float32, embeddings tied."""
    torch.manual_seed(seed)
    end = tokenizer.convert_tokens_to_ids(END_OF_TURN)
    padding = tokenizer.convert_tokens_to_ids(PADDING)
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.05,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=padding,
    )
    return Qwen2ForCausalLM(config)


def with_wrong_arguments(sample: Sample, rng: Random) -> Sample:
    """The sample with its call's arguments spoilt: words lost or added, a priority made up, a number off."""
    if not isinstance(sample.expected, ToolCall):
        return sample
    arguments = sample.expected.arguments_dict()
    match arguments:
        case {"title": str(title)}:
            words = title.split()
            words.pop(rng.randrange(len(words)))
            arguments["title"] = " ".join(words) or "task"
        case {"task_id": int(number)}:
            arguments["task_id"] = rng.randrange(1, max(10, 2 * number))
        case _:
            arguments["priority"] = rng.choice(PRIORITIES)
    return replace(sample, expected=ToolCall.of(sample.expected.name, arguments))


def training_samples(phase: int, seed: int) -> list[Sample]:
    """All samples of one phase, counted from 0, in order."""
    rng = Random(f"noise {seed + phase}")
    schedule = PHASES[phase].schedule
    drawn = islice(
        mixture(SHARES, seed + phase, PHASES[phase].breadth), schedule.total(rows=0) * schedule.batch
    )
    return [with_wrong_arguments(sample, rng) if rng.random() < NOISE else sample for sample in drawn]
