"""A client that says on the wire exactly what it is told to, and reads what comes back."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from serving.router.app import Router
from tests.serving.router.asked import Asked
from tests.serving.router.stack import CHAT_KEY

PATIENCE_S = 30.0


@dataclass(frozen=True)
class Reply:
    """One answer; header names in lower case, the last of several wins."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error in OpenAI's shape; fails when it is anything else."""
        parsed = json.loads(self.body)
        assert set(parsed) == {"error"}
        found: dict[str, Any] = parsed["error"]
        assert set(found) == {"message", "type", "param", "code"}
        return found


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def write(self, raw: bytes) -> None:
        self.writer.write(raw)

    async def reply(self) -> Reply:
        """The next whole answer. Raises IncompleteReadError when the connection ends before it does."""
        head = (await self._until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])
        }
        status = int(head[0].split(" ")[1])
        if "content-length" in headers:
            body = await asyncio.wait_for(self.reader.readexactly(int(headers["content-length"])), PATIENCE_S)
        elif headers.get("transfer-encoding") == "chunked":
            body = await self._chunks()
        else:
            body = b"" if status < 200 or status in (204, 304) else await self.rest()
        return Reply(status, headers, body)

    async def rest(self) -> bytes:
        """All that comes until the other side closes; a reset counts as closed."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE_S)
        except ConnectionResetError:
            return b""

    async def closed(self) -> bool:
        """Whether the other side closes now, without another word."""
        return await self.rest() == b""

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self._until(b"\r\n"), 16):
            body += (await asyncio.wait_for(self.reader.readexactly(size + 2), PATIENCE_S))[:-2]
        await self._until(b"\r\n")
        return body

    async def _until(self, end: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(end), PATIENCE_S)


@asynccontextmanager
async def connected(router: Router, receive_buffer: int = 0) -> AsyncIterator[Wire]:
    """A connection to the data port, cut at the end. A small `receive_buffer` (bytes) makes a slow reader."""
    plain = socket.socket()
    if receive_buffer:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", urlsplit(router.url).port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=1_000_000)
    try:
        yield Wire(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def posted(router: Router, asked: Asked, receive_buffer: int = 0) -> AsyncIterator[Wire]:
    """A connection over which `asked` was sent; it ends with its answer."""
    async with connected(router, receive_buffer) as wire:
        wire.write(request(asked.raw(), path=asked.path, also=("connection: close",)))
        yield wire


def request(
    body: bytes, *, path: str = "/v1/chat/completions", also: tuple[str, ...] = (), length: bool = True
) -> bytes:
    """A well-formed POST; `also` are further header lines, `length` False leaves the content's length out."""
    lines = (
        f"POST {path} HTTP/1.1",
        "host: router",
        f"authorization: Bearer {CHAT_KEY}",
        "content-type: application/json",
        *((f"content-length: {len(body)}",) if length else ()),
        *also,
    )
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body
