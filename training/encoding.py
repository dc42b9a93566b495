"""Samples as token rows: what is read, and what of it is learnt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from training.corpus import TOOLS, Sample

IGNORED = -100
_ANSWERS = re.compile(r"<\|im_start\|>assistant\n(.*?<\|im_end\|>)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One conversation: token ids and, for each, the id to be learnt or `IGNORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


def encode(samples: Sequence[Sample], tokenizer: PreTrainedTokenizerBase) -> list[Row]:
    """Renders conversations by the chat template; only the assistant's turns are learnt."""
    texts = [
        tokenizer.apply_chat_template(
            sample.conversation(), tools=TOOLS if sample.tools_offered else None, tokenize=False
        )
        for sample in samples
    ]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    rows = []
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        learnt = [match.span(1) for match in _ANSWERS.finditer(text)]
        labels = [
            token if any(start <= first and last <= end for start, end in learnt) else IGNORED
            for token, (first, last) in zip(ids, offsets, strict=True)
        ]
        rows.append(Row(tuple(ids), tuple(labels)))
    return rows


def stack(rows: Sequence[Row], padding: int) -> dict[str, torch.Tensor]:
    """Rows of any length as `input_ids`, `attention_mask` and `labels`, each [rows, longest], padded right."""
    width = max(len(row.ids) for row in rows)
    gaps = [width - len(row.ids) for row in rows]
    pairs = list(zip(rows, gaps, strict=True))
    return {
        "input_ids": torch.tensor([[*row.ids, *[padding] * gap] for row, gap in pairs]),
        "attention_mask": torch.tensor([[1] * len(row.ids) + [0] * gap for row, gap in pairs]),
        "labels": torch.tensor([[*row.labels, *[IGNORED] * gap] for row, gap in pairs]),
    }


def batches(rows: Sequence[Row], size: int, seed: int) -> list[list[Row]]:
    """Splits rows into batches of `size`, rows of like length together, batches in seeded order.

    Sorting happens within windows of 16 batches, so every stretch of training still sees all kinds.
    """
    generator = torch.Generator().manual_seed(seed)
    grouped: list[list[Row]] = []
    for start in range(0, len(rows), 16 * size):
        window = sorted(rows[start : start + 16 * size], key=lambda row: len(row.ids))
        cut = [window[first : first + size] for first in range(0, len(window), size)]
        grouped += [cut[index] for index in torch.randperm(len(cut), generator=generator).tolist()]
    return grouped
