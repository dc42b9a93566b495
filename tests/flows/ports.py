"""Free ports on the loopback address."""

import contextlib
import random
import socket


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_row(length: int) -> int:
    """The first of that many free ports in a row, below those that the kernel gives to clients."""
    while True:
        first = random.randrange(10_000, 32_000)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + length):
                probe = held.enter_context(socket.socket())
                probe.bind(("127.0.0.1", port))
            return first
