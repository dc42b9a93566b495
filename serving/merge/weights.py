"""The part that needs torch: load, merge, save, and the logits that prove it. Everything is float32, on the CPU."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from aftertune.errors import BadInput
from serving.merge.inputs import ADAPTER_WEIGHTS

transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()

_UNREADABLE = (OSError, ValueError, RuntimeError, KeyError, AttributeError, TypeError)
"""What the libraries raise for a folder that is not the model it claims to be."""


def load_tokenizer(base: Path) -> Any:
    """Raises BadInput when it cannot be read or has no chat template."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    except _UNREADABLE as error:
        raise BadInput(f"The tokenizer in {base} cannot be read: {_first_line(error)}.") from None
    if not tokenizer.chat_template:
        raise BadInput(
            f"The base {base} has no chat template, so nobody could chat with it.",
            "Add chat_template.jinja to its folder.",
        )
    return tokenizer


def load_model(folder: Path) -> Any:
    """A whole model. Raises BadInput."""
    try:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    except _UNREADABLE as error:
        raise BadInput(f"The model in {folder} cannot be loaded: {_first_line(error)}.") from None
    return model.eval()


def load_adapted(base: Path, adapter: Path) -> Any:
    """Base + adapter, not merged. Raises BadInput when the adapter does not fit the base, tensor by tensor."""
    model = load_model(base)
    try:
        with warnings.catch_warnings(action="ignore"):  # about tensors without a place: refused below
            adapted = PeftModel.from_pretrained(model, adapter, local_files_only=True)
    except _UNREADABLE as error:
        raise BadInput(
            f"The adapter {adapter} does not fit the base {base}: {_first_line(error)}.",
            "Give the base that it was trained on.",
        ) from None
    with safe_open(adapter / ADAPTER_WEIGHTS, framework="pt") as weights:
        given = set(weights.keys())
    expected = set(get_peft_model_state_dict(adapted, save_embedding_layers=False))
    if given != expected:
        odd = sorted(given ^ expected)
        raise BadInput(
            f"The adapter {adapter} does not fit the base {base}: {len(odd)} tensors have no counterpart, "
            f"the first is {odd[0]}.",
            "Give the base that it was trained on.",
        )
    return adapted.float().eval()


def logits(model: Any, tokenizer: Any, prompts: Sequence[str]) -> list[torch.Tensor]:
    """For each prompt, put through the chat template: the logits at every position, (positions, vocabulary)."""
    answers = []
    with torch.inference_mode():
        for prompt in prompts:
            encoded = tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                add_generation_prompt=True,
                return_tensors="pt",
                return_dict=True,
            )
            answers.append(model(**encoded).logits[0])
    return answers


def largest_difference(some: Sequence[torch.Tensor], others: Sequence[torch.Tensor]) -> float:
    """The largest absolute difference; NaN if any logit is not a number."""
    return float(torch.stack([(a - b).abs().max() for a, b in zip(some, others, strict=True)]).max())


def save_merged(adapted: Any, out: Path) -> None:
    """Fold the adapter, if there is one, into the weights and save them; `adapted` is used up."""
    (adapted.merge_and_unload() if isinstance(adapted, PeftModel) else adapted).save_pretrained(out)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
