"""Replacing routers one by one, while one more process stands in: clients always find as many as before.

Each router keeps its name, its spool folder and its admin port, so that its successor starts when it has ended.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Protocol

from aftertune.rooms import Room

READY_S = 60.0
"""A router that is not ready by then is not going to be."""

END_S = 35.0
"""A router drains for up to 30 s; after this it is killed."""


class Processes(Protocol):
    """The rooms' processes. What was not told to end is started again by others when it dies."""

    def start(self, room: Room) -> None: ...
    def runs(self, room: Room) -> bool: ...
    def end(self, room: Room) -> None: ...
    def kill(self, room: Room) -> None: ...
    def retire(self, room: Room) -> None: ...


def roll(
    processes: Processes,
    routers: Sequence[Room],
    stand_in: Room,
    now: Callable[[], float],
    say: Callable[[str], None],
) -> Iterator[None]:
    """Each item is one look, to be asked for every now and then; `now` is a monotonic clock in seconds.

    Stops at the first router that does not become ready: those behind it go on as they are, and so does the one
    that stands in.
    """
    say(f"replacing {_named(routers)}; {stand_in.name} stands in")
    if not processes.runs(stand_in):
        processes.start(stand_in)
    if not (yield from _becomes_ready(processes, stand_in, now)):
        say(f"{stand_in.name} does not become ready: its log says why. Nothing was replaced.")
        yield from _ends(processes, stand_in, now)
        processes.retire(stand_in)
        return
    for place, room in enumerate(routers):
        yield from _ends(processes, room, now)
        processes.start(room)
        if not (yield from _becomes_ready(processes, room, now)):
            say(
                f"{room.name} does not become ready: its log says why. It is tried again, {stand_in.name} serves "
                f"meanwhile. Not replaced: {_named(routers[place + 1 :])}. Put it right, then send SIGHUP again."
            )
            return
        say(f"{room.name} is replaced")
    yield from _ends(processes, stand_in, now)
    processes.retire(stand_in)
    say(f"replaced {_named(routers)}")


def _becomes_ready(processes: Processes, room: Room, now: Callable[[], float]) -> Generator[None, None, bool]:
    deadline = now() + READY_S
    while processes.runs(room) and now() <= deadline:
        if room.is_ready():
            return True
        yield
    return False


def _ends(processes: Processes, room: Room, now: Callable[[], float]) -> Iterator[None]:
    if not processes.runs(room):
        return
    processes.end(room)
    deadline = now() + END_S
    while processes.runs(room):
        if now() > deadline:
            processes.kill(room)
        yield


def _named(routers: Sequence[Room]) -> str:
    return ", ".join(room.name for room in routers) or "none"
