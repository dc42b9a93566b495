"""Redacts a stream of server-sent events, also what is split over its events.

Pieces of one text (content, reasoning or arguments of one choice and one tool call; the text of a completion's
choice; the deltas of one item of `responses`) are joined over all events and redacted as one. Where something is
found, the first piece holds the whole redacted text and the later ones are empty; the events, their order and all
else in them stay.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from aftertune.redaction.document import Document, Json, Place, parsed, without_tokens, written

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_DATA = "data:"
_DONE = "[DONE]"
_NO_TEXT = frozenset({"role", "type", "id"})
_ITEM = ("type", "item_id", "output_index", "content_index", "summary_index", "index")
_NOT_JSON = object()

Name = tuple[Any, ...]


class _Event:
    """One event: its lines with their ends, and the value of its data when that is JSON."""

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        self.lines = lines
        self.value: Json = _NOT_JSON
        self.changed = False
        data = "\n".join(_content(line) for line, _ in lines if line.startswith(_DATA))
        if data and data != _DONE:
            with suppress(ValueError):
                self.value, faithful = parsed(data)
                self.changed = not faithful


class _Piece(NamedTuple):
    """Where a part of a text stands."""

    event: _Event
    holder: dict[str, Json]
    key: str


def redacted_stream(stream: str, document: Document) -> str:
    """Events in which nothing was found keep their bytes. Raises RecursionError."""
    events = list(_events(stream))
    done = _redact_texts(events, document)
    found_some = any(event.changed for event in events)
    parts: list[str] = []
    for event in events:
        if event.value is _NOT_JSON:
            parts += [_as_text(line, document) + end for line, end in event.lines]
            continue
        found = document.redacted(event.value, done)
        if found_some:
            found = without_tokens(found)
        if event.changed or found != event.value:
            parts += _with_data(event, written(found), document)
        else:
            parts += [
                (line if line.startswith(_DATA) else _as_text(line, document)) + end
                for line, end in event.lines
            ]
    return "".join(parts)


def _events(stream: str) -> Iterator[_Event]:
    """An event ends with its blank line."""
    lines: list[tuple[str, str]] = []
    for found in _LINE.finditer(stream):
        line, end = found.groups()
        if not line and not end:
            break
        lines.append((line, end))
        if not line:
            yield _Event(lines)
            lines = []
    if lines:
        yield _Event(lines)


def _content(line: str) -> str:
    return line[len(_DATA) :].removeprefix(" ")


def _as_text(line: str, document: Document) -> str:
    """A comment, a name, or data that is no JSON. It stays one line."""
    return document.text(line).replace("\r", "\\r").replace("\n", "\\n")


def _with_data(event: _Event, data: str, document: Document) -> Iterator[str]:
    """The event's lines, with this data in place of its own."""
    for line, end in event.lines:
        if not line.startswith(_DATA):
            yield _as_text(line, document) + end
        elif data:
            yield f"{_DATA} {data}{end}"
            data = ""


def _redact_texts(events: list[_Event], document: Document) -> frozenset[Place]:
    """Redacts joined texts in place; returns the places of their pieces, which need no second look."""
    texts: dict[Name, list[_Piece]] = {}
    for event in events:
        for name, holder, key in _pieces(event.value):
            texts.setdefault(name, []).append(_Piece(event, holder, key))
    for pieces in texts.values():
        whole = "".join(piece.holder[piece.key] for piece in pieces)
        redacted = document.string(whole)
        if redacted != whole:
            for piece in pieces:
                piece.holder[piece.key], redacted = redacted, ""
                piece.event.changed = True
    return frozenset((id(piece.holder), piece.key) for pieces in texts.values() for piece in pieces)


def _pieces(event: Json) -> Iterator[tuple[Name, dict[str, Json], str]]:
    """Every part of a text in one event: a name that all parts of that text share, and where it stands."""
    if not isinstance(event, dict):
        return
    choices = event.get("choices")
    for position, choice in enumerate(choices if isinstance(choices, list) else ()):
        if isinstance(choice, dict):
            name: Name = ("choice", _plain(choice.get("index", position)))
            if isinstance(choice.get("text"), str):
                yield (*name, "text"), choice, "text"
            yield from _below(choice.get("delta"), name)
    item: Name = ("item", *(_plain(event.get(field)) for field in _ITEM))
    if isinstance(event.get("delta"), str):
        yield item, event, "delta"
    else:
        yield from _below(event.get("delta"), item)


def _below(value: Json, name: Name, depth: int = 8) -> Iterator[tuple[Name, dict[str, Json], str]]:
    """Texts inside a delta; members of a list are told apart by their `index`."""
    if isinstance(value, dict) and depth:
        for key, each in value.items():
            if not isinstance(each, str):
                yield from _below(each, (*name, key), depth - 1)
            elif key not in _NO_TEXT:
                yield (*name, key), value, key
    elif isinstance(value, list):
        for position, each in enumerate(value if depth else ()):
            index = each.get("index", position) if isinstance(each, dict) else position
            yield from _below(each, (*name, _plain(index)), depth - 1)


def _plain(value: Json) -> str | int | None:
    """Something that can name a text, whatever the engine wrote there."""
    return value if isinstance(value, str | int | None) else str(value)
