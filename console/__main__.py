"""`python -m console`: the console as a process."""

import errno
import logging
import signal
import socket
import sys

import uvicorn
from prometheus_client import CollectorRegistry

from aftertune import telemetry
from aftertune.clock import SystemClock
from aftertune.errors import AftertuneError, BadInput
from aftertune.settings import Settings, load
from aftertune.store import Store
from console.app import create_app
from console.wake import monitor_wake

DRAIN_S = 5
log = logging.getLogger("console")


def main() -> int:
    """Serve until SIGTERM or SIGINT. Exit code 2: bad settings or a port in use.

    While the database is away the console answers 503, at its start too.
    """
    try:
        _serve(load())
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


def _serve(settings: Settings) -> None:
    telemetry.configure_logging("console", settings.log_level)
    console, registry = settings.console, CollectorRegistry()
    store = Store(settings.database_url)
    with _listen(console.host, console.port, "AFTERTUNE_CONSOLE__PORT") as listener:
        telemetry.serve_metrics(
            registry, console.metrics_port, console.host, "AFTERTUNE_CONSOLE__METRICS_PORT"
        )
        app = create_app(store, settings, SystemClock(), monitor_wake(settings), registry)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        # Uvicorn raises the signal again once it has drained: by then it has been obeyed.
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda *_: None)
        log.info("the console listens on %s", settings.console_url)
        server.run(sockets=[listener])
    store.close()


def _listen(host: str, port: int, setting: str) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Without listening, a second console could bind the same port too and both would start.
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _taken(error, host, port, setting) from None
    return listener


def _taken(error: OSError, host: str, port: int, setting: str) -> BadInput:
    if error.errno == errno.EADDRINUSE:
        return BadInput(
            f"Port {port} on {host} is in use.", f"Stop what listens there, or set {setting} to another port."
        )
    return BadInput(f"Cannot listen on {host}:{port}: {error.strerror}.", f"Set {setting} or the host.")


if __name__ == "__main__":
    sys.exit(main())
