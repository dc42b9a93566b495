"""LoRA on a base: wrapping it, saving what was learnt, and putting both together again."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, PreTrainedModel

from training.spec import LoraSpec


@contextmanager
def _peft_warnings_off() -> Iterator[None]:
    """Silences peft 0.21 about a transformers attribute that it still reads under its old name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)
        yield


def adapted(base: Path, lora: LoraSpec, seed: int) -> PeftModel:
    """The base with fresh LoRA matrices, drawn with `seed`; only they require gradients."""
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.layers),
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(seed)
    with _peft_warnings_off():
        return get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)


def save_adapter(model: PeftModel, base_name: str, folder: Path) -> None:
    """Writes peft's two files into `folder`."""
    # peft notes the folder it loaded the base from; an adapter must not carry a path of this machine.
    model.peft_config["default"].base_model_name_or_path = base_name
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty model card


def load_release(base: Path, adapter: Path | None) -> PreTrainedModel:
    """The base in float32, with the adapter merged into it if one is given."""
    model = AutoModelForCausalLM.from_pretrained(base)
    if adapter is not None:
        with _peft_warnings_off():
            model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return model.eval()
