"""Hidden characters are shown; long texts are cut and say so."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from aftertune.visible import LONGEST, mended, visible


def test_hidden_characters_are_named() -> None:
    assert visible("a\u202eb\u200bc\x1b[31m\u2028") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+001B⟩[31m⟨U+2028⟩"
    assert visible("tab\tand\nnewline stay, so do ä and 中") == "tab\tand\nnewline stay, so do ä and 中"


def test_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * (LONGEST + 7)) == "x" * LONGEST + "\n… (7 more characters)"


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    left = {unicodedata.category(character) for character in visible(text) if character not in "\n\t"}
    assert not left & {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}


@given(st.text())
def test_what_can_be_written_stays_as_it_is(text: str) -> None:
    assert mended(text) == text


@given(st.text(st.characters(categories=["Cs", "So", "Ll"])))
def test_mended_text_can_be_written(text: str) -> None:
    assert mended(text).encode().decode() == mended(text)


def test_halves_that_meet_are_their_character() -> None:
    assert mended("a\ud83d\ude00b\udc00\ud83d") == "a\U0001f600b\ufffd\ufffd"
