"""An answer as sentences: pure. Nothing but blanks is lost, and every piece is in the answer as it stands."""

import re

MOST_SENTENCES = 24
"""The last of so many holds the rest of a longer answer."""

_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|\n+")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nr|fig|mr|mrs|ms|dr|prof|st|p\.m|a\.m|incl|max|min|ca)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_LISTED = re.compile(r"(?:\d{1,3}|[a-z])[.)]$", re.IGNORECASE)


def sentences(text: str) -> tuple[str, ...]:
    """Split at ends of sentences and of lines. Abbreviations, initials and numbers of a list end none."""
    found: list[str] = []
    open_at = 0
    for end in _END.finditer(text):
        piece = text[open_at : end.start()].strip()
        ends_line = "\n" in end[0]
        if not piece or (not ends_line and (_ABBREVIATED.search(piece) or _LISTED.fullmatch(piece))):
            continue
        found.append(text[open_at : end.end()].strip())
        open_at = end.end()
        if len(found) == MOST_SENTENCES - 1:
            break
    rest = text[open_at:].strip()
    return tuple([*found, rest] if rest else found)
