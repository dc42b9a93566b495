"""The two places in which the rooms run, and what is reached where."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aftertune.settings import Settings


@dataclass(frozen=True)
class Place:
    """`targets`: job → `host:port` of its metrics; at `routers` the monitor lists all routers. `credentials_file` holds the rooms' own credential.

    Paths are as Prometheus and Alertmanager see them: absolute, or relative to the configuration file.
    """

    name: str
    targets: Mapping[str, str]
    routers: str
    alertmanager: str
    webhook: str
    credentials_file: str


def _targets(host: Mapping[str, str]) -> dict[str, str]:
    usual = Settings.model_construct()
    ports = {
        "router": usual.router.admin_port,
        "monitor": usual.monitor.port,
        "engines": usual.engines.metrics_port,
        "encoder": usual.encoder.port,
        "evals": usual.evals.metrics_port,
        "reports": usual.reports.metrics_port,
        "console": usual.console.metrics_port,
    }
    return {room: f"{host.get(room, '127.0.0.1')}:{port}" for room, port in ports.items()}


ROOMS = tuple(_targets({}))
_THEMSELVES = {room: room for room in ROOMS}

ONE_MACHINE = Place(
    name="one machine",
    targets=MappingProxyType(_targets({})),
    routers="http://127.0.0.1:8082/v1/routers/targets",
    alertmanager="127.0.0.1:9093",
    webhook="http://127.0.0.1:8082/v1/alerts",
    credentials_file="../../.aftertune/control.token",
)
"""`aftertune up` in a checkout, Prometheus and Alertmanager beside it."""

COMPOSE = Place(
    name="compose",
    targets=MappingProxyType(
        _targets(_THEMSELVES) | {"vllm": "vllm:8000", "alertmanager": "alertmanager:9093"}
    ),
    routers="http://monitor:8082/v1/routers/targets",
    alertmanager="alertmanager:9093",
    webhook="http://monitor:8082/v1/alerts",
    credentials_file="/run/aftertune/control.token",
)
"""The services of compose.yaml, by their names."""
