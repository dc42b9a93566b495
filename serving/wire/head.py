"""Heads of messages: which headers end at a hop, and status lines."""

from http import HTTPStatus
from typing import Final

Headers = list[tuple[bytes, bytes]]
"""Names in lower case, in the order in which they came, repeated ones included."""

HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",
    }
)
"""Headers of one connection, or of one message's framing; they are never passed on."""

_NO_NAMES: Final[frozenset[bytes]] = frozenset()
_USUAL: Final = frozenset({b"keep-alive", b"close"})
_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus
}


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def of_one_hop(headers: Headers) -> frozenset[bytes]:
    """Names of headers that the sender meant for its neighbour only: `connection` lists them."""
    for name, value in headers:
        if name == b"connection" and value.lower() not in _USUAL:
            return frozenset(
                token.strip()
                for name, value in headers
                if name == b"connection"
                for token in value.lower().split(b",")
            )
    return _NO_NAMES


def travelling(headers: Headers, back: frozenset[bytes], prefix: bytes) -> bytes:
    """The headers that go on, as lines: not those of one hop, those in `back`, and those that begin with `prefix`."""
    here = of_one_hop(headers)
    pieces: list[bytes] = []
    for name, value in headers:
        if name not in back and name not in here and not name.startswith(prefix):
            pieces += (name, b": ", value, b"\r\n")
    return b"".join(pieces)
