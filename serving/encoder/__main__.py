"""`python -m serving.encoder`: the embedding model behind HTTP. SIGTERM ends it after the request under way."""

import logging
import os
import signal
import socket
import sys
from types import FrameType

import uvicorn

from aftertune.errors import AftertuneError, BadInput, UnknownName
from aftertune.settings import load
from aftertune.settings.sections import EncoderSettings
from aftertune.telemetry import configure_logging
from serving.encoder.app import EncoderApp

MODEL = "all-MiniLM-L6-v2"
DIMENSIONS = 384
NICENESS = 5
"""Embedding gives way to the engines on the same cores: nobody waits for a vector."""
GRACE_S = 10

log = logging.getLogger("encoder")


def main() -> int:
    try:
        settings = load()
        configure_logging("encoder", settings.log_level)
        if settings.encoder.model != MODEL:
            raise UnknownName("embedded encoder model", settings.encoder.model, (MODEL,))
        listener = _bind(settings.encoder)
        serve(settings.encoder, listener)
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201  (the caller reads it)
        return error.exit_code
    return 0


def serve(settings: EncoderSettings, listener: socket.socket) -> None:
    """Until SIGINT or SIGTERM. The port takes connections once the model is loaded."""
    from serving.encoder.model import MiniLM  # noqa: PLC0415  (torch, and only in this process)

    os.nice(NICENESS)
    model = MiniLM(settings.threads)
    interface = EncoderApp(model, MODEL, model.digest, DIMENSIONS)
    log.info("Listening on http://%s:%d.", settings.host, settings.port)
    # The server ends at a signal and then raises it again: the model thread must still be ended.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _carry_on)
    config = uvicorn.Config(
        interface.app(),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[listener])
    interface.close()


def _carry_on(number: int, frame: FrameType | None) -> None:
    """The server has heard the signal itself."""


def _bind(settings: EncoderSettings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise BadInput(
            f"Port {settings.port} of {settings.host} cannot be opened: {error.strerror}.",
            "End what uses it, or set AFTERTUNE_ENCODER__PORT.",
        ) from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
