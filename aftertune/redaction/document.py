"""Redacts a JSON document: its string values, and what is inside them."""

import json
import re
from collections.abc import Collection
from typing import Any

from aftertune.redaction.patterns import CREDIT_CARD, PHONE, SECRET, US_SSN, is_card
from aftertune.redaction.text import TextRedaction

Json = Any
Place = tuple[int, str]
"""A value's container, by its identity, and the key under it."""

_DEEPEST = 100
"""Containers inside each other; what is deeper is a fault."""
_STRINGS_IN_STRINGS = 4

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|([\"/bfnrt])|(\\))?")
_UNESCAPED = {'"': '"', "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_DATA = re.compile(r"data:[\w.+/-]{0,80}+(?:;[\w=.+-]{0,80}+){0,4}?;base64,[\w+/=-]*+")
_BINARY = "[BINARY]"
_BINARY_KEYS = frozenset({"file_data", "b64_json"})
"""Pictures, sound and files show people, and nothing here looks into them."""

_TOKEN_KEYS = frozenset({"logprobs", "prompt_logprobs"})
"""The text again, token by token; emptied where something was found in the document."""
_TOKEN_ID_KEYS = frozenset({"prompt", "input", "tokens", "token_ids", "prompt_token_ids"})
"""Where numbers stand for text. Nothing here can read them: they are always dropped."""

_BY_KEY = {
    SECRET: re.compile(
        r"(?:[a-z]*(?:password|passwd|passphrase|passwort|apikey|privatekey|secretkey|clientsecret)"
        r"|(?:access|refresh|auth|bearer|session)token|pwd|secret|authorization)"
    ),
    PHONE: re.compile(
        r"(?:[a-z]*(?:phone|telephone|telefon)(?:number|no|nr)?|(?:mobile|cell|fax|tel)(?:number|no)?)"
    ),
    US_SSN: re.compile(r"(?:ssn|socialsecuritynumber)"),
}
"""What a value is, told by the key above it, without its punctuation, in lower case."""
_PUNCTUATION = re.compile("[^A-Za-z]")
_LIKE_A_NUMBER = re.compile(r"[0-9 ()+./-]{7,24}")


class Document:
    """Redacts values as `text` redacts texts; of what a key or a form alone tells, only the `kinds`."""

    def __init__(self, text: TextRedaction, kinds: Collection[str]) -> None:
        self._text = text
        self._kinds = kinds

    def redacted(self, value: Json, done: Collection[Place] = ()) -> Json:
        """The value itself where nothing was found. What stands at a place in `done` was looked at before."""
        found = self._value(value, "", done, _DEEPEST)
        return value if found is value else without_tokens(found)

    def string(self, text: str, nested: int = _STRINGS_IN_STRINGS) -> str:
        """JSON inside the string is redacted as JSON, anything else as text."""
        if text[:1] in ("{", "[") and nested:
            try:
                value, faithful = parsed(text)
            except ValueError:
                return self.text(text)
            found = self._value(value, "", (), _DEEPEST, nested - 1)
            return text if found is value and faithful else written(found)
        return self.text(text)

    def text(self, text: str) -> str:
        """Also what JSON's escapes hide: code in an answer, or a document that was cut off."""
        if ";base64," in text:
            text = _DATA.sub(_BINARY, text)
        text = self._text(text)
        if "\\" in text:
            plain = _ESCAPE.sub(_unescaped, text)
            found = self._text(plain)
            if found != plain:
                return found
        return text

    def _value(
        self, value: Json, key: str, done: Collection[Place], depth: int, nested: int = _STRINGS_IN_STRINGS
    ) -> Json:
        if isinstance(value, str):
            return self._string_under(key, value, nested)
        if isinstance(value, dict):
            if not depth:
                raise RecursionError("containers inside containers")
            made = {
                name: each if (id(value), name) in done else self._value(each, name, done, depth - 1, nested)
                for name, each in value.items()
            }
            return value if all(made[name] is each for name, each in value.items()) else made
        if isinstance(value, list):
            if not depth:
                raise RecursionError("containers inside containers")
            if key in _TOKEN_ID_KEYS and value and _is_token_ids(value):
                return []
            listed = [self._value(each, key, done, depth - 1, nested) for each in value]
            return value if all(map(_same, listed, value)) else listed
        if type(value) is int and CREDIT_CARD in self._kinds and is_card(str(value)):
            return 0
        return value

    def _string_under(self, key: str, text: str, nested: int) -> str:
        if key in _BINARY_KEYS and text:
            return _BINARY
        for kind in self._kinds_told_by(key) if text else ():
            if kind in (SECRET, US_SSN) or _LIKE_A_NUMBER.fullmatch(text):
                return f"[{kind}]"
        return self.string(text, nested)

    def _kinds_told_by(self, key: str) -> list[str]:
        plain = _PUNCTUATION.sub("", key).lower()[:64]
        return [kind for kind, keys in _BY_KEY.items() if kind in self._kinds and keys.fullmatch(plain)]


def without_tokens(value: Json) -> Json:
    """The same, but for what repeats a text token by token."""
    if isinstance(value, dict):
        return {
            name: None if name in _TOKEN_KEYS and isinstance(each, dict | list) else without_tokens(each)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [without_tokens(each) for each in value]
    return value


def _same(one: Json, other: Json) -> bool:
    return one is other


def _is_token_ids(value: list[Json]) -> bool:
    rows = value if isinstance(value[0], list) else [value]
    return all(isinstance(row, list) and all(type(each) is int for each in row) for row in rows)


def _unescaped(escape: re.Match[str]) -> str:
    """A backslash stays one, doubled, so that undoing escapes twice is undoing them once."""
    code, short, _ = escape.groups()
    made = chr(int(code, 16)) if code else _UNESCAPED.get(short or "", "\\")
    return "\\\\" if made == "\\" else made


class _Repeated(Exception):
    """An object holds a key twice: only the last of them can be seen in what was parsed."""


def parsed(text: str) -> tuple[Json, bool]:
    """The value, and whether it is all that the text holds. Raises ValueError; RecursionError."""
    try:
        return json.loads(text, object_pairs_hook=_object), True
    except _Repeated:
        return json.loads(text), False


def written(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can only write as an escape
        return json.dumps(value, separators=(",", ":"))
    return text


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Repeated
    return made
