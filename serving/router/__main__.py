"""`python -m serving.router`: one router process. SIGTERM stops it within 30 seconds, no answer cut short."""

import asyncio
import gc
import signal
import sys

import uvloop

from aftertune.control import read_control_token
from aftertune.errors import AftertuneError
from aftertune.settings import Settings, load
from aftertune.telemetry import configure_logging
from serving.router.app import Router

_COLLECT_AFTER = 10_000
"""Objects made and not freed: requests leave no cycles, so that this many are rarely reached."""


async def serve(settings: Settings, control_token: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with Router(settings, control_token) as router:
        _settle()
        await stopping.wait()
        await router.drain()


def _settle() -> None:
    """What the start has made stays: the collector need not look at it again, and has little to find afterwards."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def main() -> int:
    """The process's exit code: 2 when the start failed for a reason that the caller can remove."""
    try:
        settings = load()
        control_token = read_control_token(settings.control_token_file)
        configure_logging("router", settings.log_level, secrets=(control_token,))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, control_token))
    except AftertuneError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
