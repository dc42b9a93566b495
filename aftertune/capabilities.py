"""What each engine kind takes. A field outside the list is left out of the request and named in the answer's header."""

from collections.abc import Mapping
from types import MappingProxyType

from aftertune.values.release import EngineKind

ACCEPTED_FIELDS: Mapping[EngineKind, tuple[str, ...] | None] = MappingProxyType(
    {
        EngineKind.VLLM: None,
        EngineKind.EXTERNAL: None,
        # transformers 5.23: it ignores n, tool_choice, stream_options, response_format and the like, fails on
        # logit_bias and on a negative frequency_penalty, and refuses names it does not know.
        EngineKind.TRANSFORMERS: (
            "model",
            "messages",
            "stream",
            "tools",
            "temperature",
            "top_p",
            "seed",
            "stop",
            "max_tokens",
            "max_completion_tokens",
            "chat_template_kwargs",
        ),
    }
)
"""Chat request fields by engine kind; None: the engine takes every field (vLLM ignores what it does not know)."""
