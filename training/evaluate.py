"""Measures the base and the releases on held-out samples and writes the figures down."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from aftertune.stats.interval import wilson
from training.comparison import Comparison, compare
from training.corpus import GENERAL_KINDS, Sample, Split, samples, unseen_samples
from training.generate import answers
from training.lora import load_release
from training.scoring import is_exact, score_call

COMMAND = "python -m training evaluate --models examples/task_api"
SEED = 2026
CALLS = 500
# For each of the three general kinds.
GENERAL = 170
OTHERS = 100
COMPARED: dict[Split, int] = {"held_out_values": 2000, "held_out_phrasings": 1000}
_OTHER_KINDS = ("task_talk", "confirmation", "small_talk", "fraud", "plant")
_HELD_OUT: tuple[Split, ...] = ("held_out_values", "held_out_phrasings")


@dataclass(frozen=True)
class Figure:
    """A share with its Wilson 95 % interval; never one without the other."""

    model: str
    samples: str
    point: str
    right: int
    n: int
    low: float
    high: float

    def text(self) -> str:
        return f"{self.right / self.n:.1%} [{self.low:.1%}, {self.high:.1%}]"


def figure(model: str, name: str, point: str, marks: Sequence[bool]) -> Figure:
    """The share of true marks."""
    low, high = wilson(sum(marks), len(marks))
    return Figure(model, name, point, sum(marks), len(marks), round(low, 5), round(high, 5))


def call_figures(name: str, title: str, asked: Sequence[Sample], given: Sequence[str]) -> list[Figure]:
    """Valid JSON, right tool, right arguments and grounded arguments over tool-call samples."""
    scores = [score_call(sample, answer) for sample, answer in zip(asked, given, strict=True)]
    points = ("valid_json", "right_tool", "right_arguments", "grounded")
    return [figure(name, title, point, [getattr(score, point) for score in scores]) for point in points]


def exact_figure(name: str, title: str, asked: Sequence[Sample], given: Sequence[str]) -> Figure:
    """The share of answers that are the wanted text to the letter."""
    return figure(name, title, "exact", [is_exact(*pair) for pair in zip(asked, given, strict=True)])


def measure(
    name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, say: Callable[[str], None]
) -> list[Figure]:
    """All figures of one model."""

    def ask(asked: Sequence[Sample]) -> list[str]:
        return answers(model, tokenizer, asked)

    figures: list[Figure] = []
    for split in _HELD_OUT:
        calls = samples("tool_call", split, CALLS, SEED)
        figures += call_figures(name, f"tool_call, {split}", calls, ask(calls))
        pooled: list[Sample] = []
        replies: list[str] = []
        for kind in GENERAL_KINDS:
            asked = samples(kind, split, GENERAL, SEED)
            given = ask(asked)
            figures.append(exact_figure(name, f"{kind}, {split}", asked, given))
            pooled += asked
            replies += given
        figures.append(exact_figure(name, f"general, {split}", pooled, replies))
        for kind in _OTHER_KINDS:
            asked = samples(kind, split, OTHERS, SEED)
            figures.append(exact_figure(name, f"{kind}, {split}", asked, ask(asked)))
        say(f"{name}: {split} measured")
    by_hand = unseen_samples()
    figures += call_figures(name, "tool_call, written by hand", by_hand, ask(by_hand))
    return figures


def compare_better(models: Path, say: Callable[[str], None]) -> list[Comparison]:
    """v3 against v1, where a difference of a point or two takes thousands of samples to show."""
    base = models / "base"
    tokenizer = AutoTokenizer.from_pretrained(base)
    loaded = {name: load_release(base, models / "adapters" / name) for name in ("v3", "v1")}
    found = []
    for split, n in COMPARED.items():
        asked = samples("tool_call", split, n, SEED + 1)
        ask = partial(_answer, loaded, tokenizer, asked)
        found.append(compare("v3", "v1", f"tool_call, {split}, right_arguments", asked, ask))
        say(found[-1].text())
    return found


def _answer(
    loaded: Mapping[str, PreTrainedModel],
    tokenizer: PreTrainedTokenizerBase,
    asked: Sequence[Sample],
    name: str,
) -> list[str]:
    return answers(loaded[name], tokenizer, asked)


def evaluate(models: Path, say: Callable[[str], None]) -> list[Figure]:
    """Measures `models/base` and every adapter in `models/adapters`, and writes `evaluation.json` and
    `EVALUATION.md` into `models`.
    """
    base = models / "base"
    tokenizer = AutoTokenizer.from_pretrained(base)
    figures = measure("base", load_release(base, None), tokenizer, say)
    for adapter in sorted((models / "adapters").iterdir()):
        figures += measure(adapter.name, load_release(base, adapter), tokenizer, say)
    comparisons = compare_better(models, say)
    document: dict[str, Any] = {
        "command": COMMAND,
        "seed": SEED,
        "figures": [asdict(each) for each in figures],
        "comparisons": [asdict(each) for each in comparisons],
    }
    (models / "evaluation.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (models / "EVALUATION.md").write_text(table(figures, comparisons), encoding="utf-8")
    return figures


def table(figures: Sequence[Figure], comparisons: Sequence[Comparison]) -> str:
    """The figures as a Markdown page, one column a model, and the comparisons."""
    names = list(dict.fromkeys(each.model for each in figures))
    cells = {(each.samples, each.point, each.model): each for each in figures}
    rows = list(dict.fromkeys((each.samples, each.point) for each in figures))
    lines = [
        "# How good the example releases are",
        "",
        f"Made by `{COMMAND}`. Greedy decoding, at most 96 new tokens, seed {SEED}.",
        "Each cell: share, then its Wilson 95 % interval.",
        "",
        "- `held_out_values`: known phrasings; titles, numbers, dates, sums and strings never trained on.",
        "- `held_out_phrasings`: phrasings never trained on either.",
        (
            "- `right_arguments`: the whole call equals the wanted one. `grounded`: the call fits the tool's schema and"
            " every argument stands in the user's message."
        ),
        "- `general`: facts, sums and copying together. `exact`: the answer is the wanted text to the letter.",
        "",
        "| samples | point | n | " + " | ".join(names) + " |",
        "|---|---|---" + "|---" * len(names) + "|",
    ]
    for samples_name, point in rows:
        row = [cells[samples_name, point, name] for name in names]
        texts = " | ".join(each.text() for each in row)
        lines.append(f"| {samples_name} | {point} | {row[0].n} | {texts} |")
    lines += ["", "Pairs of releases on the same samples (95 % confidence sequence, McNemar's exact p):", ""]
    lines += [comparison.text() for comparison in comparisons]
    return "\n".join(lines) + "\n"
