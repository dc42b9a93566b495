"""Text written by strangers (a model, a client, a person) made safe to look at."""

import unicodedata

LONGEST = 4000
"""Characters of one text that are shown."""

_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_PLAIN = frozenset("\n\t")


def visible(text: str) -> str:
    """Control, formatting (bidirectional, zero-width) and unassigned characters become ⟨U+202E⟩; long text is cut.

    Escaping is the part of whatever writes it into a page.
    """
    shown = "".join(_shown(character) for character in text[:LONGEST])
    hidden = len(text) - LONGEST
    return f"{shown}\n… ({hidden} more characters)" if hidden > 0 else shown


def mended(text: str) -> str:
    """Text that every store and document can hold: half a surrogate pair becomes U+FFFD, two halves their character."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shown(character: str) -> str:
    if character in _PLAIN or unicodedata.category(character) not in _INVISIBLE:
        return character
    return f"⟨U+{ord(character):04X}⟩"
