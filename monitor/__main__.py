"""`python -m monitor`: three loops, ingest, controller and drift, beside the HTTP interface."""

import logging
import signal
import socket
import sys
import time
from functools import partial
from types import FrameType

import httpx
import uvicorn

from aftertune.clock import SystemClock
from aftertune.control import read_control_token
from aftertune.errors import AftertuneError
from aftertune.redaction import redactor
from aftertune.settings import Settings, load
from aftertune.store import Store
from aftertune.store.notify import ROUTING_TABLES
from aftertune.telemetry import configure_logging
from monitor.admin import HttpRouterAdmin
from monitor.controller import Controller
from monitor.drift.encoder import OpenAIEncoder
from monitor.drift.watcher import DriftWatcher
from monitor.health import unhealthy
from monitor.http import Interface
from monitor.ingest import Ingest
from monitor.listener import RETRY_S, Listener
from monitor.loop import Loop
from monitor.metrics import Metrics
from monitor.publish import Publisher
from monitor.record import Redaction
from monitor.rollback import Rollbacks

PUSH_TIMEOUT_S = 2.0

log = logging.getLogger("monitor")


def main() -> int:
    try:
        settings = load()
        token = read_control_token(settings.control_token_file)
        redaction = redactor(settings)
        store = Store(settings.database_url)
        listener = _bind(settings.monitor.host, settings.monitor.port)
    except AftertuneError as error:
        print(error, file=sys.stderr)  # noqa: T201  (there is no log yet)
        return error.exit_code
    except OSError as error:
        print(  # noqa: T201
            f"Port {settings.monitor.port} of {settings.monitor.host} cannot be opened: {error.strerror}. "
            "End what uses it, or set AFTERTUNE_MONITOR__PORT.",
            file=sys.stderr,
        )
        return 2
    configure_logging("monitor", settings.log_level, (token,))
    serve(settings, token, listener, store, redaction)
    return 0


def serve(
    settings: Settings, token: str, listener: socket.socket, store: Store, redaction: Redaction
) -> None:
    """Runs until SIGINT or SIGTERM. The open port makes this the only monitor of its address, hence the lease's name."""
    clock, metrics = SystemClock(), Metrics()
    with httpx.Client(timeout=PUSH_TIMEOUT_S) as client:
        connect = partial(HttpRouterAdmin, client=client, token=token)
        publisher = Publisher(store, clock, connect, metrics)
        lease_s = settings.monitor.router_lease_s
        rollbacks = Rollbacks(store, clock, publisher, connect, unhealthy, metrics, time.sleep, lease_s)
        holder = f"{socket.gethostname()}:{settings.monitor.port}"
        controller = Controller(store, clock, publisher, rollbacks, metrics, holder)
        ingest = Ingest(store, settings.spool_folder, clock, metrics, redaction)
        encoder = OpenAIEncoder(
            settings.encoder_url, settings.encoder.model, settings.encoder.timeout_s, settings.drift.batch
        )
        watcher = DriftWatcher(store, clock, encoder, settings.drift, metrics)

        def read_spool() -> None:
            if ingest.run():
                controlling.wake()

        tick_s = settings.monitor.tick_s
        controlling = Loop("controller", metrics.stamped("controller", controller.tick), tick_s)
        ingesting = Loop("ingest", metrics.stamped("ingest", read_spool), tick_s)
        watching = Loop("drift", metrics.stamped("drift", watcher.tick), settings.drift.tick_s)
        loops = (controlling, ingesting, watching, *_listening(store, controlling, publisher))

        def wake() -> None:
            controlling.wake()
            ingesting.wake()

        interface = Interface(store, clock, metrics.registry, control_token=token, lease_s=lease_s, wake=wake)
        for loop in loops:
            loop.start()
        log.info("Listening on %s.", settings.monitor_url)
        # The server ends at a signal and then raises it again: the loops must still be stopped.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _carry_on)
        config = uvicorn.Config(interface.app(), log_config=None, access_log=False)
        uvicorn.Server(config).run(sockets=[listener])
        for loop in loops:
            loop.stop()
        for loop in loops:
            loop.join(timeout=10)
        encoder.close()
    store.close()


def _listening(store: Store, controlling: Loop, publisher: Publisher) -> tuple[Loop, ...]:
    """One loop where the database announces commits; none where they are only found by looking."""

    def heard(tables: frozenset[str]) -> None:
        controlling.wake()
        if ROUTING_TABLES in tables:
            publisher.offer()

    return (Loop("listener", Listener(store, heard).step, RETRY_S),) if store.announces else ()


def _carry_on(number: int, frame: FrameType | None) -> None:
    """The server has heard the signal itself."""


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


if __name__ == "__main__":
    sys.exit(main())
