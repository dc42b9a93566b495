"""The data port: one listening socket for each process, and how a process stops listening without a reset.

Several processes listen on one port by SO_REUSEPORT; the kernel deals new connections out to them. When one of
them closes its socket, the kernel resets every connection that it had dealt to it and that was not accepted yet.
`finish_accepting` makes sure that there is none.
"""

import asyncio
import ctypes
import errno
import socket
import struct
from pathlib import Path

from aftertune.address import resolve
from aftertune.errors import BadInput

BACKLOG = 4096
"""Connections that may wait; the kernel's net.core.somaxconn limits it further."""

HANDSHAKES_S = 0.2
"""A handshake that had begun is over by then: a few round trips."""

ACCEPTED_S = 2.0
"""A process that has not accepted what waits by then is too busy to."""

_PORT = "AFTERTUNE_ROUTER__PORT"
_MIGRATE = Path("/proc/sys/net/ipv4/tcp_migrate_req")

# Linux: <asm-generic/socket.h>, <linux/tcp.h>.
_SO_ATTACH_FILTER = 26
_TCP_INFO_BYTES = 28
_TCP_INFO_WAITING = 24
"""`tcpi_unacked`, which on a listening socket is the length of its accept queue."""

_FLAGS_OF_TCP, _SYN = 13, 0x02
_DROP_SYN = (
    (0x30, 0, 0, _FLAGS_OF_TCP),  # load the flags' byte
    (0x45, 0, 1, _SYN),  # a SYN?
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # take the rest whole
)
"""A classic BPF program, as <linux/filter.h> defines it: code, jump if true, jump if false, operand."""


def data_socket(host: str, port: int, *, shared: bool) -> socket.socket:
    """Listen. `shared`: other processes of this user may listen there too, if they share as well.

    A name with both kinds of address means its IPv4 one; `::` takes both kinds. Raises BadInput when the address
    cannot be had.
    """
    address = resolve(host, port)
    listener = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if address.family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != "::")
        listener.bind(address.place)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise BadInput(_why(host, port, error), f"Stop the program that holds it, or set {_PORT}.") from None
    return listener


def waiting(listener: socket.socket) -> int:
    """Connections that nobody has accepted yet."""
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    return int(struct.unpack_from("I", info, _TCP_INFO_WAITING)[0])


async def finish_accepting(listener: socket.socket) -> None:
    """Returns when no connection waits or is about to: then close the socket at once. Its server still accepts.

    New connections are not answered meanwhile. Their clients ask again after a second, as TCP does with every first
    packet that is lost, and then reach another process, or are refused. A kernel that hands waiting connections to
    the other processes (net.ipv4.tcp_migrate_req) needs none of this.
    """
    if _migrates():
        return
    _drop_new(listener)
    await asyncio.sleep(HANDSHAKES_S)
    deadline = asyncio.get_running_loop().time() + ACCEPTED_S
    while waiting(listener) and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def _drop_new(listener: socket.socket) -> None:
    """Drop packets that would begin a connection; handshakes under way end as usual.

    Accepted connections inherit the filter, which drops nothing of theirs.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN)
    kept = ctypes.create_string_buffer(program)
    argument = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(kept))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, argument)


def _migrates() -> bool:
    try:
        return _MIGRATE.read_text().strip() == "1"
    except OSError:
        return False


def _why(host: str, port: int, error: OSError) -> str:
    why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
    return f"Port {port} on {host} {why}."
