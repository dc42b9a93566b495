"""An engine's answer on its way to the client: the model's name is the deployment's, every other byte is kept."""

import re

import orjson

from serving.router.members import members
from serving.router.request import MODEL

_EVENT_END = re.compile(rb"\n\r?\n|\r\r")
_DATA = re.compile(rb"^data:", re.MULTILINE)
_DONE = re.compile(rb"^data: ?\[DONE\]\s*$", re.MULTILINE)


class Renaming:
    """From what the engine calls the model to what clients call it."""

    def __init__(self, served_name: str, deployment: str) -> None:
        self._deployment = orjson.dumps(deployment)
        # A served name may be a path on the engine's machine. No client sees that, in error texts either.
        self._path = orjson.dumps(served_name)[1:-1] if "/" in served_name else b""

    def body(self, body: bytes) -> bytes:
        """A JSON body, renamed; what is not a JSON object with a model is returned as it is."""
        return self._renamed(body, 0)

    def event(self, event: bytes) -> bytes:
        """One whole server-sent event, renamed."""
        found = _DATA.search(event)
        return event if found is None else self._renamed(event, found.end())

    def _renamed(self, text: bytes, offset: int) -> bytes:
        for member in members(text, offset):
            if member.name == MODEL:
                return text[: member.value] + self._deployment + text[member.end :]
        return text.replace(self._path, self._deployment[1:-1]) if self._path else text


class EventStream:
    """Cuts bytes into whole server-sent events; holds back only what is not yet a whole one."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """The events that this piece completes, each with the blank line that ends it."""
        text = self._held + piece
        whole: list[bytes] = []
        position = 0
        for end in _EVENT_END.finditer(text, max(0, len(self._held) - 2)):
            whole.append(text[position : end.end()])
            position = end.end()
        self._held = text[position:]
        return whole

    def rest(self) -> bytes:
        """What was left when the stream ended without a blank line."""
        held, self._held = self._held, b""
        return held


def is_done(event: bytes) -> bool:
    """Whether this is OpenAI's last event."""
    return b"[DONE]" in event and _DONE.search(event) is not None
