"""A byte-level BPE tokenizer trained on the corpus, and the chat template it carries."""

import json
from itertools import islice
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from training.corpus import KINDS, mixture

VOCABULARY = 1536
CONTEXT = 1024
END_OF_TURN = "<|im_end|>"
PADDING = "<|endoftext|>"
_SPECIAL = (PADDING, "<|im_start|>", END_OF_TURN)
# Not special, so that decoding with skip_special_tokens keeps them for the engines' tool-call parsers.
_TOOL_MARKS = ("<tool_call>", "</tool_call>")
_TEMPLATE = Path(__file__).with_name("chat_template.jinja")
# How `transformers serve` reads an answer: arguments as they were written. Its own parser answers 500 to broken ones.
_RESPONSE_TEMPLATE = Path(__file__).with_name("response_template.json")


def _texts(count: int, seed: int) -> list[str]:
    """Every turn's role and content, calls as the chat template writes them."""
    texts = []
    for sample in islice(mixture(dict.fromkeys(KINDS, 1.0), seed), count):
        for message in sample.conversation():
            texts += [message["role"], message["content"] or ""]
            for call in message.get("tool_calls", ()):
                name, arguments = call["function"]["name"], call["function"]["arguments"]
                texts.append(f'{json.dumps({"name": name})[:-1]}, "arguments": {arguments}}}')
    return texts


def build_tokenizer(seed: int) -> Qwen2Tokenizer:
    """Trains the tokenizer on 20,000 corpus samples drawn with `seed`.

    Text is cut as Qwen2 cuts it, digits one by one: the engines load a Qwen2 model's tokenizer
    through `Qwen2Tokenizer`, which puts its own cutting in place of any other.
    """
    shape = Qwen2Tokenizer().backend_tokenizer
    core = Tokenizer(models.BPE())
    core.normalizer = shape.normalizer
    core.pre_tokenizer = shape.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(_TOOL_MARKS),
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(_texts(20_000, seed), trainer)
    learnt = json.loads(core.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=learnt["vocab"],
        merges=[tuple(pair) for pair in learnt["merges"]],
        unk_token=PADDING,
        eos_token=END_OF_TURN,
        pad_token=PADDING,
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        chat_template=_TEMPLATE.read_text(encoding="utf-8"),
    )
    tokenizer.add_tokens([AddedToken("<|im_start|>", special=True, normalized=False)])
    tokenizer.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in _TOOL_MARKS])
    tokenizer.response_template = json.loads(_RESPONSE_TEMPLATE.read_text(encoding="utf-8"))
    return tokenizer
