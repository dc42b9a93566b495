"""A byte-level BPE tokenizer trained on the corpus, and the chat template it carries."""

import json
from itertools import islice
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from training.corpus import KINDS, mixture

VOCABULARY = 1536
CONTEXT = 1024
END_OF_TURN = "<|im_end|>"
PADDING = "<|endoftext|>"
_SPECIAL = (PADDING, "<|im_start|>", END_OF_TURN)
# Not special, so that decoding with skip_special_tokens keeps them for the engines' tool-call parsers.
_TOOL_MARKS = ("<tool_call>", "</tool_call>")
# A word takes the blank before it along, so copying is one token after the other; digits stand alone;
# JSON's glue is kept whole to make calls short.
_PIECES = r'": "|", "|": | ?\p{L}+(?:_\p{L}+)*|\p{N}|\s|[^\s\p{L}\p{N}]+'
_TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def _texts(count: int, seed: int) -> list[str]:
    texts = []
    for sample in islice(mixture(dict.fromkeys(KINDS, 1.0), seed), count):
        for message in sample.conversation():
            texts.append(message["content"] or "")
            for call in message.get("tool_calls", ()):
                texts.append(json.dumps({"name": call["function"]["name"]}) + call["function"]["arguments"])
    return texts


def build_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Trains the tokenizer on 20,000 corpus samples drawn with `seed`."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(_TOOL_MARKS),
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(_texts(20_000, seed), trainer)
    core.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in _TOOL_MARKS])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token=END_OF_TURN,
        pad_token=PADDING,
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        chat_template=_TEMPLATE.read_text(encoding="utf-8"),
    )
