"""Who tells the story: says what happens, collects what was not expected, and waits."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from aftertune.errors import Unavailable

PAUSE_S = 0.5

Say = Callable[[str], None]


@dataclass
class Narrator:
    """Expectations that did not hold are kept in `surprises`; an empty list is success."""

    say: Say
    surprises: list[str] = field(default_factory=list)

    def expect(self, holds: bool, what: str) -> None:
        self.say(f"{'✓' if holds else '✗ NOT AS EXPECTED:'} {what}")
        if not holds:
            self.surprises.append(what)


def until(seconds: float, what: str) -> Iterator[None]:
    """Ticks until the time is over; then raises Unavailable."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(PAUSE_S)
    raise Unavailable(f"Waited {seconds:.0f} s for {what}.", "Look at the logs folder of the home folder.")
