"""Where releases answer: as the store has it at each moment, or as it was when a run was handed out."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from aftertune.clock import Clock
from aftertune.errors import Unavailable
from aftertune.store import Store
from aftertune.values.release import EngineState
from evals.engine.http_engine import Address

FRESH_S = 1.0
"""So long an address is used without looking again."""


class Addresses(Protocol):
    async def of(self, release: str) -> Address:
        """Raises Unavailable while its engine is not ready."""
        ...


class StoredAddresses:
    """Looks again now and then: an engine may have been started again somewhere else."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[str, tuple[float, Address]] = {}

    async def of(self, release: str) -> Address:
        at, known = self._seen.get(release, (0.0, None))
        now = self._clock.monotonic()
        if known is None or now - at >= FRESH_S:
            known = await asyncio.to_thread(self._look, release)
            self._seen[release] = (now, known)
        return known

    async def fixed(self, releases: Iterable[str]) -> "FixedAddresses":
        return FixedAddresses({release: await self.of(release) for release in releases})

    def _look(self, release: str) -> Address:
        with self._store.read() as tx:
            known, status = tx.releases.get(release), tx.releases.engine(release)
        if status is None or status.state is not EngineState.READY:
            raise Unavailable(f"The engine of {release} is {status.state if status else 'not running'}.")
        return Address(status.url, known.served_name or release, status.kind)


class FixedAddresses:
    """What a worker in another process is given."""

    def __init__(self, known: Mapping[str, Address]) -> None:
        self._known = dict(known)

    async def of(self, release: str) -> Address:
        return self._known[release]
