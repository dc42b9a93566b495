"""Words in any script, by Unicode's default word boundaries.

Unicode Standard Annex #29, as the `regex` library has it. Scripts that put no blanks between words come apart more
finely than a dictionary would part them: Chinese and Japanese kana into characters, Thai into syllable parts. Two
texts are taken apart alike, which is all that counting shared words needs.
"""

import unicodedata

import regex

_BOUNDARY = regex.compile(r"(?wV1)\b")
_SAYS_SOMETHING = regex.compile(r"[\p{L}\p{N}]")


def unicode_words(text: str) -> list[str]:
    """In order, composed (NFC) and case-folded; what holds no letter and no digit is no word."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return [piece for piece in _BOUNDARY.split(folded) if _SAYS_SOMETHING.search(piece)]


class UnicodeWords:
    """The same words, in the shape in which rouge-score takes a tokeniser."""

    def tokenize(self, text: str) -> list[str]:
        return unicode_words(text)
