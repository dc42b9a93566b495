"""So many words, sentences or paragraphs."""

import re
from collections.abc import Mapping
from typing import Any

from evals.instructions.relation import holds

_WORD = re.compile(r"\w+")
_DIVIDER = re.compile(r"^[^\S\n]*\*\*\*[^\S\n]*$", re.MULTILINE)
_ABBREVIATED = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|e\.g|i\.e|no|fig|approx|inc|ltd|co|u\.s|u\.k|a\.m|p\.m|[a-z])$",
    re.IGNORECASE,
)
_LONGEST_ABBREVIATED = 8
"""Characters, the one before included."""

_END = re.compile(r"(?<![.!?。！？…])[.!?。！？…]+[\"'”’)\]]*(?=\s|$)|[。！？]")


def sentences(text: str) -> list[str]:
    """Ends are stops, marks and ellipses before a blank, and line ends; known abbreviations and initials end none."""
    found = []
    for line in text.split("\n"):
        start = 0
        for end in _END.finditer(line):
            before = line[max(start, end.start() - _LONGEST_ABBREVIATED) : end.start()]
            if end.group().startswith(".") and _ABBREVIATED.search(before) and end.end() < len(line.rstrip()):
                continue
            found.append(line[start : end.end()])
            start = end.end()
        found.append(line[start:])
    return [sentence.strip() for sentence in found if _WORD.search(sentence)]


def _words(answer: str, arguments: Mapping[str, Any]) -> bool:
    return holds(len(_WORD.findall(answer)), arguments, "relation", "num_words")


def _sentences(answer: str, arguments: Mapping[str, Any]) -> bool:
    return holds(len(sentences(answer)), arguments, "relation", "num_sentences")


def _paragraphs(answer: str, arguments: Mapping[str, Any]) -> bool:
    """Divided by lines of three asterisks; none of them may be empty but the first and the last."""
    parts = [part.strip() for part in _DIVIDER.split(answer)]
    if any(not part for part in parts[1:-1]):
        return False
    return sum(bool(part) for part in parts) == int(arguments["num_paragraphs"])


def _nth_paragraph(answer: str, arguments: Mapping[str, Any]) -> bool:
    """Divided by blank lines; the n-th begins with the word, punctuation and case aside."""
    parts = [part.strip() for part in answer.split("\n\n") if part.strip()]
    nth = int(arguments["nth_paragraph"])
    if len(parts) != int(arguments["num_paragraphs"]) or not 1 <= nth <= len(parts):
        return False
    first = _WORD.search(parts[nth - 1])
    return first is not None and first.group().lower() == str(arguments["first_word"]).lower()


CHECKS = {
    "length_constraints:number_words": _words,
    "length_constraints:number_sentences": _sentences,
    "length_constraints:number_paragraphs": _paragraphs,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
}
ARGUMENTS = {
    "length_constraints:number_words": ("num_words",),
    "length_constraints:number_sentences": ("num_sentences",),
    "length_constraints:number_paragraphs": ("num_paragraphs",),
    "length_constraints:nth_paragraph_first_word": ("num_paragraphs", "nth_paragraph", "first_word"),
}
