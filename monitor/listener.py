"""Hears commits as they happen (PostgreSQL), so that the loops need not wait for their next tick."""

from collections.abc import Callable
from contextlib import ExitStack

from aftertune.store import Store
from aftertune.store.notify import ANNOUNCED, Announcements

LISTEN_S = 1.0
"""How long one step listens; so long a stop may have to wait for it."""
RETRY_S = 0.001
"""The listening loop's tick: it is always ready to hear, and its pause after a failure begins with this."""


class Listener:
    """Each step listens for a while. `heard` gets the tables that changed; all of them when some may have been missed.

    A lost connection raises Unavailable, and the next step makes another: the loop around it backs off meanwhile.
    """

    def __init__(self, store: Store, heard: Callable[[frozenset[str]], None]) -> None:
        self._store = store
        self._heard = heard
        self._connection = ExitStack()
        self._announcements: Announcements | None = None

    def step(self) -> None:
        try:
            if self._announcements is None:
                self._announcements = self._connection.enter_context(self._store.announcements())
                self._heard(ANNOUNCED)
            tables = self._announcements.wait(LISTEN_S)
            if tables:
                self._heard(tables)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        self._announcements = None
        self._connection.close()
