"""Watches the pin file on this host."""

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from aftertune.errors import Corrupt
from aftertune.pin import read_pins
from serving.router.routing_table import Routing

log = logging.getLogger(__name__)

LOOK_S = 0.5

_Stamp = tuple[int, ...]


class PinCounts(Protocol):
    def refused_pin(self) -> None: ...


class PinWatcher:
    """A file that cannot be trusted is said once, counted, and changes nothing; one that is gone pins nothing."""

    def __init__(self, routing: Routing, file: Path, counts: PinCounts) -> None:
        self._routing = routing
        self._file = file
        self._counts = counts
        self._seen: _Stamp = ()

    def look(self) -> None:
        """Take up the file as it is now, if it is another one than at the last look."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            pins = read_pins(self._file).pins
        except Corrupt as refused:
            self._counts.refused_pin()
            held = ", ".join(self._routing.pins) or "none"
            log.error("%s Nothing changes; pinned deployments: %s.", refused, held)  # noqa: TRY400
            return
        for name, pin in pins.items():
            log.warning("%s is pinned to %s by %s: %s", name, pin.target.release, pin.by, pin.reason)
        for name in self._routing.pins.keys() - pins.keys():
            log.warning("%s is no longer pinned.", name)
        self._routing.pin({name: pin.target for name, pin in pins.items()})

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.look()
            except Exception:
                log.exception("A look at the pin file failed.")

    def _stamp(self) -> _Stamp:
        """Differs when the file does: one that is replaced has another inode."""
        try:
            status = self._file.stat()
        except OSError:
            return ()
        return (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)
