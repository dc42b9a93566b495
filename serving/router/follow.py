"""Renews the router's lease with the monitor, and takes its table when a push was missed."""

import asyncio
import logging
import random
from collections.abc import Callable

import aiohttp
from pydantic import ValidationError

from aftertune.errors import Conflict
from aftertune.values.route import RouterLease, RoutingTable
from serving.router.routing_table import Routing

log = logging.getLogger(__name__)

_POLL_TIMEOUT_S = 5.0


class Follower:
    """Polls until cancelled. A monitor that is away changes nothing: the table in force stays.

    Between two polls pass 0.75 to 1.25 intervals, by `jitter` (a number in [0, 1)), so that routers that were
    started together do not ask together.
    """

    def __init__(
        self,
        routing: Routing,
        lease: Callable[[], RouterLease],
        monitor_url: str,
        control_token: str,
        interval_s: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._routing = routing
        self._lease = lease
        self._url = f"{monitor_url}/v1/routers/lease"
        self._headers = {"authorization": f"Bearer {control_token}", "content-type": "application/json"}
        self._interval_s = interval_s
        self._jitter = jitter
        self._trouble = ""

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_POLL_TIMEOUT_S)
        async with aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session:
            while True:
                self._report(await self._poll(session))
                await asyncio.sleep(self._interval_s * (0.75 + self._jitter() / 2))

    async def _poll(self, session: aiohttp.ClientSession) -> str:
        """One exchange of lease and table; returns what went wrong, or nothing."""
        try:
            async with session.post(self._url, data=self._lease().model_dump_json()) as response:
                body = await response.read()
                if response.status != 200:
                    return f"The monitor answers {response.status} to a lease."
            self._routing.accept(RoutingTable.model_validate_json(body))
        except (aiohttp.ClientError, TimeoutError):
            return "The monitor cannot be reached; serving by the table in force."
        except ValidationError:
            return "The monitor sent something that is no routing table."
        except Conflict as refused:
            return str(refused)
        except Exception:
            # A router that stopped following would never hear of a rollback.
            log.exception("A poll failed.")
            return "The last poll failed."
        return ""

    def _report(self, trouble: str) -> None:
        """Log changes, not repetitions."""
        if trouble != self._trouble:
            if trouble:
                log.warning(trouble)
            else:
                log.info("Following the monitor at revision %d.", self._routing.revision)
        self._trouble = trouble
