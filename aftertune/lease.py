"""A lease that one process holds for as long as it works: of several that could do a job, one does."""

from datetime import timedelta

from aftertune.clock import Clock
from aftertune.store import Store


class Lease:
    """`holder` names this process: the same name takes it up again after a restart."""

    def __init__(self, store: Store, clock: Clock, name: str, holder: str, length_s: float) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._length = timedelta(seconds=length_s)
        self._until = clock.now()
        self.holder = holder

    def take(self) -> bool:
        """False while somebody else has it. Renewed when half of it is over, so that an idle look writes nothing."""
        now = self._clock.now()
        if self._until - now > self._length / 2:
            return True
        until = now + self._length
        with self._store.write() as tx:
            if not tx.leases.acquire(self._name, self.holder, now, until):
                return False
        self._until = until
        return True
