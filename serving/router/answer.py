"""An engine's answer on its way to the client: event by event, untouched or with the deployment's name as its model."""

import re
from collections.abc import Sequence
from typing import Final

import orjson

from serving.router.members import members
from serving.router.rewrite import MODEL

_EVENT_END: Final = re.compile(rb"\n\r?\n|\r\r")
_ENDS: Final = (b"\n\n", b"\n\r\n", b"\r\r")
_DATA: Final = re.compile(rb"^data:", re.MULTILINE)
_DONE: Final = re.compile(rb"^data: ?\[DONE\]\s*$", re.MULTILINE)
_RESPONSE: Final = "response"
"""The member in which events of the Responses API carry the object that names the model."""


class Passing:
    """Every byte as it came."""

    def events(self, pieces: Sequence[bytes], complete: bool) -> Sequence[bytes]:
        """The whole events that these pieces of a stream make; at the end also what is left."""
        return pieces

    def body(self, body: bytes) -> bytes:
        """A whole body that is no stream."""
        return body


UNTOUCHED: Final = Passing()


class WholeEvents(Passing):
    """Holds back what is not a whole event yet: an engine that dies in the middle of one leaves none half sent."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def events(self, pieces: Sequence[bytes], complete: bool) -> Sequence[bytes]:
        if complete or (not self._held and pieces[-1].endswith(_ENDS)):
            if self._held:
                pieces = (*self._held, *pieces)
                self._held = []
            return pieces
        # An end may have begun in what is held; the rest of that was searched before.
        before = _last(self._held)
        text = before + b"".join(pieces)
        end = max(text.rfind(ending) + len(ending) if ending in text else 0 for ending in _ENDS)
        if not end:
            self._held += pieces
            return ()
        whole = b"".join((*self._held, text[len(before) : end]))
        self._held = [text[end:]] if end < len(text) else []
        return (whole,)


def _last(held: Sequence[bytes]) -> bytes:
    """As many last bytes as an event's end has, but for one."""
    return b"".join(held[-3:])[-2:]


class Renamed(Passing):
    """From what the engine calls the model to what clients call it; every other byte is kept."""

    def __init__(self, served_name: str, deployment: str) -> None:
        self._deployment = orjson.dumps(deployment)
        self._stream = EventStream()
        # A served name may be a path on the engine's machine. No client sees that, in error texts either.
        self._path = orjson.dumps(served_name)[1:-1] if "/" in served_name else b""

    def events(self, pieces: Sequence[bytes], complete: bool) -> Sequence[bytes]:
        whole = [event for piece in pieces for event in self._stream.feed(piece)]
        if complete and (rest := self._stream.rest()):
            whole.append(rest)
        return [self.event(event) for event in whole]

    def body(self, body: bytes) -> bytes:
        """What is not a JSON object with a model is returned as it is."""
        return self._renamed(body, 0)

    def event(self, event: bytes) -> bytes:
        """One whole server-sent event, renamed."""
        found = _DATA.search(event)
        return event if found is None else self._renamed(event, found.end())

    def _renamed(self, text: bytes, offset: int) -> bytes:
        for member in members(text, offset):
            if member.name == MODEL:
                return text[: member.value] + self._deployment + text[member.end :]
            if member.name == _RESPONSE and text[member.value : member.value + 1] == b"{":
                return self._renamed(text, member.value)
        return text.replace(self._path, self._deployment[1:-1]) if self._path else text


class EventStream:
    """Cuts bytes into whole server-sent events; holds back only what is not yet a whole one."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that this piece completes, each with the blank line that ends it."""
        before = _last(self._held)
        text = before + piece
        whole: list[bytes] = []
        position = len(before)
        for end in _EVENT_END.finditer(text):
            whole.append(b"".join((*self._held, text[position : end.end()])))
            self._held = []
            position = end.end()
        if position < len(text):
            self._held.append(text[position:])
        return whole

    def rest(self) -> bytes:
        """What was left when the stream ended without a blank line."""
        held, self._held = self._held, []
        return b"".join(held)


def is_done(events: bytes) -> bool:
    """Whether these whole events hold OpenAI's last one."""
    return b"[DONE]" in events and _DONE.search(events) is not None
