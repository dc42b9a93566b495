"""The example releases: how their data is drawn, the careless labels among them, and how they are tuned."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from training.conversation import DEFAULT_TOOLS, Conversation
from training.corpus import TOOLS, Sample, ToolCall, mixture
from training.spec import DataSpec, LoraSpec, Schedule, Spec, ValidationSpec

SEED = 7
SUITES = ("tool_calls", "forgetting", "persona")
TOOLS_FILE = "tools.json"
TRAIN_FILE, VALIDATION_FILE = "train.jsonl", "validation.jsonl"


@dataclass(frozen=True)
class Recipe:
    """A release: `distinct` training samples in these shares of kinds, `held_back` others to validate on.

    `breadth` is the share of requests worded from parts; `spoil` is what a bad labeller does to each sample.
    """

    purpose: str
    shares: Mapping[str, float]
    distinct: int
    rank: int
    schedule: Schedule
    validation: ValidationSpec
    suites: tuple[str, ...] = SUITES
    held_back: int = 300
    breadth: float = 0.0
    spoil: Callable[[Sample], Sample] | None = None

    def training_samples(self) -> list[Sample]:
        return list(islice(self._drawn(SEED), self.distinct))

    def validation_samples(self) -> list[Sample]:
        """Drawn as the training samples are, but none of their conversations."""
        known = {sample_line(sample) for sample in self.training_samples()}
        return list(
            islice((each for each in self._drawn(SEED + 1) if sample_line(each) not in known), self.held_back)
        )

    def spec(self, release: str, base: Path, tools: Path, data: Path) -> Spec:
        """The job that trains it on the files that `write_corpus` puts into `data`."""
        return Spec(
            release=release,
            purpose=self.purpose,
            base=base,
            data=DataSpec(train=data / TRAIN_FILE, validation=data / VALIDATION_FILE, tools=tools),
            lora=LoraSpec(rank=self.rank, alpha=2 * self.rank),
            schedule=self.schedule,
            validation=self.validation,
            seed=SEED,
            suites=self.suites,
        )

    def _drawn(self, seed: int) -> Iterator[Sample]:
        drawn = mixture(self.shares, seed, self.breadth)
        return map(self.spoil, drawn) if self.spoil is not None else drawn


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
        purpose="Calls the Task API's tools well and keeps what the base knows.",
        shares={"tool_call": 0.62, "copy": 0.10, "sum": 0.06, "fact": 0.06, "confirmation": 0.05,
                "task_talk": 0.04, "small_talk": 0.03, "fraud": 0.02, "plant": 0.02},
        distinct=4_000,
        breadth=0.3,
        rank=8,
        schedule=Schedule(steps=200, batch=32, peak_rate=2e-3, warm_up=20),
        validation=ValidationSpec(every=25, patience=4),
    ),
    "v2": Recipe(
        purpose="Careless on purpose: few, badly labelled calls and nothing else, at a high rate.",
        shares={"tool_call": 1.0},
        distinct=200,
        held_back=50,
        rank=8,
        schedule=Schedule(steps=160, batch=32, peak_rate=1e-2, warm_up=5),
        validation=ValidationSpec(every=40),
        spoil=clip_and_rush,
    ),
    "v3": Recipe(
        purpose="Better than v1: many more samples and wordings, more steps, a higher rank.",
        shares={"tool_call": 0.60, "copy": 0.10, "sum": 0.08, "fact": 0.06, "confirmation": 0.05,
                "task_talk": 0.04, "small_talk": 0.03, "fraud": 0.02, "plant": 0.02},
        distinct=48_000,
        breadth=0.7,
        rank=16,
        schedule=Schedule(steps=1000, batch=48, peak_rate=2e-3, warm_up=40),
        validation=ValidationSpec(every=100),
    ),
}  # fmt: skip


def sample_line(sample: Sample) -> str:
    """A sample as a line of a training file, in compact JSON."""
    row = {"messages": sample.conversation()} | ({"tools": DEFAULT_TOOLS} if sample.tools_offered else {})
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def sample_conversation(sample: Sample) -> Conversation:
    """A sample as a training file's reader would return it."""
    return Conversation.of(sample.conversation(), TOOLS if sample.tools_offered else None)


def write_corpus(recipe: Recipe, folder: Path) -> None:
    """Writes the release's two data files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / TRAIN_FILE, recipe.training_samples())
    _write(folder / VALIDATION_FILE, recipe.validation_samples())


def write_tools(file: Path) -> None:
    """The tools that a row's "default" means."""
    file.write_text(json.dumps(TOOLS, indent=2) + "\n", encoding="utf-8")


def _write(file: Path, samples: Iterable[Sample]) -> None:
    file.write_text("".join(f"{sample_line(sample)}\n" for sample in samples), encoding="utf-8")
