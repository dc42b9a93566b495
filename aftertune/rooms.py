"""The processes of one machine: what `aftertune up` starts, where each says that it is ready, and their ports."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from aftertune.address import resolve, url
from aftertune.errors import BadInput
from aftertune.settings import Settings
from aftertune.trust import trusted

MONITOR = "monitor"


@dataclass(frozen=True)
class Room:
    """A process of ours: `python -m module`; `health` answers 200 once it is ready. `settings` are its own."""

    name: str
    module: str
    health: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.health, timeout=1.0, verify=trusted()).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


def rooms(settings: Settings) -> tuple[Room, ...]:
    """In the order in which they start; they stop in the opposite order."""
    encoder = Room("encoder", "serving.encoder", f"{settings.encoder_url}/healthz")
    return (
        Room(MONITOR, "monitor", f"{settings.monitor_url}/healthz"),
        Room("engines", "serving.engines", _metrics(settings, settings.engines.metrics_port)),
        *(() if settings.encoder.url else (encoder,)),
        Room("evals", "evals", _metrics(settings, settings.evals.metrics_port)),
        Room("reports", "reports", _metrics(settings, settings.reports.metrics_port)),
        Room("console", "console", f"{settings.console_url}/healthz"),
        *routers(settings),
    )


def routers(settings: Settings) -> tuple[Room, ...]:
    """One is called as the settings say; several take its name without a final `-1`, and a number from 1."""
    count = settings.router.processes
    if count == 1:
        return (_router(settings, settings.router.name, 0),)
    return tuple(_router(settings, _numbered(settings, n), n - 1) for n in range(1, count + 1))


def stand_in(settings: Settings) -> Room:
    """The router that serves while the others are replaced, one after the other."""
    count = settings.router.processes
    return _router(settings, _numbered(settings, count + 1), count)


def _numbered(settings: Settings, number: int) -> str:
    return f"{re.sub('-1$', '', settings.router.name)}-{number}"


def _router(settings: Settings, name: str, place: int) -> Room:
    port = settings.router.admin_port + place
    own = {
        "AFTERTUNE_ROUTER__NAME": name,
        "AFTERTUNE_ROUTER__ADMIN_PORT": str(port),
        "AFTERTUNE_ROUTER__SHARE_PORT": "true",
    }
    return Room(name, "serving.router", f"{url(settings.router.host, port)}/healthz", own)


def _metrics(settings: Settings, port: int) -> str:
    return f"{url(settings.metrics_host, port)}/metrics"


def ports(settings: Settings) -> dict[str, tuple[str, int]]:
    """Setting → (host, port) of every address that the rooms listen on.

    The admin ports of further routers follow the setting's. Raises BadInput when two rooms would listen on one.
    """
    router = settings.router
    further = {
        f"router__admin_port + {place}": (router.host, router.admin_port + place)
        for place in range(1, router.processes)
        if router.admin_port
    }
    found = {
        "router__port": (router.host, router.port),
        "router__admin_port": (router.host, router.admin_port),
        **further,
        "monitor__port": (settings.monitor.host, settings.monitor.port),
        "console__port": (settings.console.host, settings.console.port),
        "console__metrics_port": (settings.console.host, settings.console.metrics_port),
        "engines__metrics_port": (settings.metrics_host, settings.engines.metrics_port),
        "encoder__port": (settings.encoder.host, settings.encoder.port),
        "evals__metrics_port": (settings.metrics_host, settings.evals.metrics_port),
        "reports__metrics_port": (settings.metrics_host, settings.reports.metrics_port),
    }
    holders: dict[tuple[str, int], str] = {}
    for name, place in found.items():
        if place[1] and place in holders:
            raise BadInput(
                f"Port {place[1]} is wanted twice, as {holders[place]} and as {name}.",
                f"Set AFTERTUNE_{name.split(' ')[0].upper()} to another port.",
            )
        holders[place] = name
    return found


def port_is_free(host: str, port: int) -> bool:
    address = resolve(host, port)
    with socket.socket(address.family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address.place)
        except OSError:
            return False
    return True
