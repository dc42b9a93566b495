"""How many tokens a request has, before any engine has counted them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

CHARACTERS_A_TOKEN = 4
"""A rule of thumb for English; other scripts have fewer characters a token, and then more tokens than this says."""


def estimated_tokens(messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> int:
    """Rounded up."""
    written = sum(len(str(message.get("content") or "")) for message in messages)
    offered = len(json.dumps(list(tools))) if tools else 0
    return -(-(written + offered) // CHARACTERS_A_TOKEN)
