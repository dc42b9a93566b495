"""Conversations as token rows: what is read, and what of it is learnt."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from aftertune.errors import BadInput
from training.conversation import Conversation

IGNORED = -100
_ANSWERS = re.compile(r"<\|im_start\|>assistant\n(.*?<\|im_end\|>)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One conversation: token ids and, for each, the id to be learnt or `IGNORED`."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


def encode(conversations: Sequence[Conversation], tokenizer: PreTrainedTokenizerBase) -> list[Row]:
    """Renders them by the base's chat template; only the assistant's turns, those of weight 1, are learnt.

    Raises BadInput for a template that does not write turns as ChatML, or a text that writes a turn's mark itself.
    """
    texts = [
        tokenizer.apply_chat_template(list(each.messages), tools=each.tools, tokenize=False)
        for each in conversations
    ]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
    rows = []
    for number, (text, ids, offsets) in enumerate(
        zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True)
    ):
        answers = list(_ANSWERS.finditer(text))
        weights = conversations[number].learnt
        if len(answers) != len(weights):
            raise BadInput(
                f"Row {number + 1} renders to {len(answers)} assistant turns instead of {len(weights)}.",
                "The base's chat template must write ChatML turns, and no text may hold <|im_start|> or <|im_end|>.",
            )
        spans = [answer.span(1) for answer, weight in zip(answers, weights, strict=True) if weight]
        labels = [
            token if any(start <= first and last <= end for start, end in spans) else IGNORED
            for token, (first, last) in zip(ids, offsets, strict=True)
        ]
        rows.append(Row(tuple(ids), tuple(labels)))
    return rows


def encode_texts(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, longest: int | None) -> list[Row]:
    """Plain texts as an engine reads a prompt, every token but the first to be predicted.

    Raises BadInput for a text of which nothing can be predicted, or that is longer than the base reads.
    """
    rows = [Row(ids := tuple(tokenizer(text)["input_ids"]), ids) for text in texts]
    for number, row in enumerate(rows, start=1):
        if len(row.ids) < 2 or (longest and len(row.ids) > longest):
            raise BadInput(
                f"Text {number} of the sentinel has {len(row.ids)} tokens.",
                f"Give texts of 2 to {longest or 'any number of'} tokens.",
            )
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
