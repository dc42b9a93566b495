"""What each engine kind takes. A field outside the list is left out of the request and named in the answer's header."""

from collections.abc import Mapping
from types import MappingProxyType

from aftertune.values.release import EngineKind

ACCEPTED_FIELDS: Mapping[EngineKind, tuple[str, ...] | None] = MappingProxyType(
    {
        EngineKind.VLLM: None,
        EngineKind.EXTERNAL: None,
        EngineKind.TRANSFORMERS: (
            "model",
            "messages",
            "stream",
            "tools",
            "temperature",
            "max_tokens",
            "seed",
        ),
    }
)
"""Chat request fields by engine kind; None: the engine takes every field (vLLM ignores what it does not know)."""
