"""Host and port, as a socket and as a URL need them: IPv4, IPv6 or a name."""

import ipaddress
import socket
from typing import Any, NamedTuple

from aftertune.errors import BadInput


class Address(NamedTuple):
    """`place` is what `socket.bind` takes for this family."""

    family: socket.AddressFamily
    place: tuple[Any, ...]


def resolve(host: str, port: int) -> Address:
    """Where to listen. A name that has both kinds of address means its IPv4 one. Raises BadInput."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise BadInput(f"The host {host!r} has no address here: {error.strerror}.") from None
    addresses = [Address(family, place) for family, _, _, _, place in found]
    return next((each for each in addresses if each.family is socket.AF_INET), addresses[0])


def url(host: str, port: int) -> str:
    """`http://host:port`, with the brackets that an IPv6 address needs."""
    try:
        six = ipaddress.ip_address(host).version == 6
    except ValueError:
        six = False
    return f"http://[{host}]:{port}" if six else f"http://{host}:{port}"
