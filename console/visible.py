"""Text written by strangers (a model, a client, a person) made safe to look at."""

import unicodedata
from typing import Any

LONGEST = 4000
"""Characters of one text that a page shows."""

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_PLAIN = frozenset("\n\t")


def visible(value: Any) -> Any:
    """Control, formatting (bidirectional, zero-width) and unassigned characters become ⟨U+202E⟩; long text is cut.

    Other values and markup that a template made itself pass through. Escaping is the template engine's part.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    shown = "".join(_shown(character) for character in value[:LONGEST])
    hidden = len(value) - LONGEST
    return f"{shown}\n… ({hidden} more characters)" if hidden > 0 else shown


def _shown(character: str) -> str:
    if character in _PLAIN or unicodedata.category(character) not in _INVISIBLE:
        return character
    return f"⟨U+{ord(character):04X}⟩"
