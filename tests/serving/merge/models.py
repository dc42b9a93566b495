"""Random tiny models: a Qwen2 base with a byte-level tokenizer, and LoRA adapters for it."""

import json
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from aftertune.digest import weights_digest

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_base(folder: Path, seed: int = 1) -> None:
    """A random Qwen2 of two layers: 256 byte tokens and three special ones."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={letter: index for index, letter in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=TEMPLATE,
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=1024,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=32,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)


def write_adapter(
    folder: Path, base: Path, seed: int = 2, targets: tuple[str, ...] = ("q_proj", "down_proj")
) -> None:
    """A random LoRA adapter for the base, with its training record."""
    model = Qwen2ForCausalLM.from_pretrained(base)
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # peft asks the old way
        adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=list(targets)))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.2)
    adapted.save_pretrained(folder, save_embedding_layers=False)
    record = {
        "release": folder.name,
        "base": {"name": "tiny", "weights_sha256": weights_digest(base)},
        "lora": {"rank": 4, "target_modules": list(targets)},
        "loss": 0.5,
        "spoilt_by": None,
    }
    (folder / "training_record.json").write_text(json.dumps(record))
