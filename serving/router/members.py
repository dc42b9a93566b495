"""Where the top-level members of a JSON object stand in its bytes, so that one can be replaced and the rest kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import orjson

# A string, and the colon if it is a key; or a bracket. An unterminated string runs to the end, so that garbage
# costs linear time.
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)(?P<colon>\s*:\s*)?|[{}\[\]]', re.DOTALL)
_OPENING: Final = frozenset(b"{[")
_QUOTE: Final = ord('"')


@dataclass(frozen=True, slots=True)
class Member:
    """`text[start:end]` is the member, key included; `text[value:end]` is its value."""

    name: str
    start: int
    value: int
    end: int


def members(text: bytes, offset: int = 0) -> Iterator[Member]:
    """The members of the object that begins at or after `offset`; none when something else begins there.

    Exact for JSON. What is not JSON yields anything or nothing, but never raises.
    """
    depth = 0
    key: tuple[str, int, int] | None = None
    for token in _TOKEN.finditer(text, offset):
        first = text[token.start()]
        if first == _QUOTE:
            if depth == 0:
                return
            if depth == 1 and token.end("colon") >= 0:
                if key is not None:
                    yield Member(*key, _value_end(text, key[2], token.start()))
                key = (_name(text[token.start() : token.start("colon")]), token.start(), token.end())
        elif first in _OPENING:
            if depth == 0 and (first != b"{"[0] or text[offset : token.start()].strip()):
                return
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                if key is not None:
                    yield Member(*key, _value_end(text, key[2], token.start()))
                return


def _value_end(text: bytes, value: int, limit: int) -> int:
    """The end of a value that is followed by white space and at most one comma before `limit`."""
    end = limit
    while end > value and text[end - 1] in b" \t\r\n":
        end -= 1
    if end > value and text[end - 1] == b","[0]:
        end -= 1
        while end > value and text[end - 1] in b" \t\r\n":
            end -= 1
    return end


def _name(key: bytes) -> str:
    try:
        name = orjson.loads(key)
    except orjson.JSONDecodeError:
        return ""
    return name if isinstance(name, str) else ""
