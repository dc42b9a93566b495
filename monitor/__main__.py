"""`python -m monitor`: two loops, ingest and controller, beside the HTTP interface."""

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
from aftertune.settings import Settings, load
from aftertune.store import Store
from aftertune.telemetry import configure_logging
from monitor.admin import HttpRouterAdmin
from monitor.controller import Controller
from monitor.health import unhealthy
from monitor.http import Interface
from monitor.ingest import Ingest
from monitor.loop import Loop
from monitor.metrics import Metrics
from monitor.publish import Publisher
from monitor.rollback import Rollbacks

PUSH_TIMEOUT_S = 2.0

log = logging.getLogger("monitor")


def main() -> int:
    try:
        settings = load()
        token = read_control_token(settings.control_token_file)
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
    serve(settings, token, listener)
    return 0


def serve(settings: Settings, token: str, listener: socket.socket) -> None:
    """Runs until SIGINT or SIGTERM. The open port makes this the only monitor of its address, hence the lease's name."""
    clock, metrics, store = SystemClock(), Metrics(), Store(settings.database_url)
    with httpx.Client(timeout=PUSH_TIMEOUT_S) as client:
        connect = partial(HttpRouterAdmin, client=client, token=token)
        publisher = Publisher(store, clock, connect, metrics)
        lease_s = settings.monitor.router_lease_s
        rollbacks = Rollbacks(store, clock, publisher, connect, unhealthy, metrics, time.sleep, lease_s)
        holder = f"{socket.gethostname()}:{settings.monitor.port}"
        controller = Controller(store, clock, publisher, rollbacks, metrics, holder)
        ingest = Ingest(store, settings.spool_folder, clock, metrics)

        def control() -> None:
            controller.tick()
            metrics.last_success.labels(job="controller").set_to_current_time()

        def read_spool() -> None:
            if ingest.run():
                controlling.wake()
            metrics.last_success.labels(job="ingest").set_to_current_time()

        controlling = Loop("controller", control, settings.monitor.tick_s)
        ingesting = Loop("ingest", read_spool, settings.monitor.tick_s)
        loops = (controlling, ingesting)

        def wake() -> None:
            for loop in loops:
                loop.wake()

        interface = Interface(
            store,
            clock,
            metrics.registry,
            control_token=token,
            lease_s=lease_s,
            wake=wake,
        )
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
    store.close()


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
