"""How much memory an engine's processes take: on this machine, for engines of this user."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import psutil


def memory_of(url: str) -> int | None:
    """Bytes of the process that listens at a loopback `url` and of all its children; None where nobody can tell.

    On Linux a page that n processes share counts for 1/n in each (PSS), elsewhere as a whole in each (RSS). Memory of
    accelerators is not in it.
    """
    try:
        parts = urlsplit(url)
        if not _is_here(parts.hostname) or parts.port is None:
            return None
        listening = [
            found.pid
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and found.laddr[1:] == (parts.port,) and found.pid
        ]
        return sum(_sizes(psutil.Process(listening[0]))) if listening else None
    except (psutil.Error, OSError, ValueError):
        return None


def _sizes(process: psutil.Process) -> Iterator[int]:
    for each in (process, *process.children(recursive=True)):
        found = each.memory_full_info()
        yield int(getattr(found, "pss", 0) or found.rss)


def _is_here(host: str | None) -> bool:
    return host == "localhost" or (host is not None and ip_address(host).is_loopback)
