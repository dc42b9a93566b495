"""Greedy answers in batches."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from training.corpus import TOOLS, Sample

MOST_NEW_TOKENS = 96


def answers(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, samples: Sequence[Sample], batch: int = 100
) -> list[str]:
    """The model's greedy answer to each sample, in order, at most 96 tokens each."""
    prompts = [
        tokenizer.apply_chat_template(
            sample.openai_messages(),
            tools=TOOLS if sample.tools_offered else None,
            add_generation_prompt=True,
            tokenize=False,
        )
        for sample in samples
    ]
    # Prompts of like length share a batch: less padding to compute.
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    found = [""] * len(prompts)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = tokenizer(
            [prompts[index] for index in chosen],
            add_special_tokens=False,
            padding=True,
            padding_side="left",
            return_tensors="pt",
        )
        with torch.inference_mode():
            output = model.generate(**inputs, do_sample=False, max_new_tokens=MOST_NEW_TOKENS)
        texts = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        for index, text in zip(chosen, texts, strict=True):
            found[index] = text
    return found
