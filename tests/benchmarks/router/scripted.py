"""A server that answers every request with the same bytes, in the pieces it is told."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

HEAD_END = b"\r\n\r\n"


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))


def _serve(client: socket.socket, pieces: Sequence[bytes], *, close: bool) -> None:
    held = b""
    with client, suppress(OSError):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            while HEAD_END not in held:
                more = client.recv(65536)
                if not more:
                    return
                held += more
            head, _, held = held.partition(HEAD_END)
            while len(held) < _length(head):
                held += client.recv(65536)
            held = held[_length(head) :]
            for piece in pieces:
                client.sendall(piece)
            if close:
                return


@contextmanager
def scripted(pieces: Sequence[bytes], *, close: bool = False) -> Iterator[int]:
    """The port. With `close`, connections end with the answer."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=_serve, args=(client, pieces), kwargs={"close": close})
                thread.start()
                threads.append(thread)

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()
