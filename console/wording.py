"""How pages write numbers, times and states. A state is a sign and a word, never a colour alone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

GOOD, BAD, WAIT, OFF = "good", "bad", "wait", "off"

_SIGNS: Mapping[str, str] = MappingProxyType({GOOD: "✓", BAD: "✕", WAIT: "◔", OFF: "○"})

_TONES: Mapping[str, str] = MappingProxyType(
    {
        "pass": GOOD,
        "fail": BAD,
        "inconclusive": WAIT,
        "error": BAD,
        "ready": GOOD,
        "starting": WAIT,
        "failed": BAD,
        "stopped": OFF,
        "no engine": OFF,
        "registered": WAIT,
        "merging": WAIT,
        "rejected": BAD,
        "requested": WAIT,
        "intended": WAIT,
        "switched": WAIT,
        "completed": GOOD,
        "partial": BAD,
        "running": WAIT,
        "held": BAD,
        "promoted": GOOD,
        "rolled_back": BAD,
        "aborted": OFF,
        "quarantined": BAD,
        "frozen": BAD,
        "follows": GOOD,
        "behind": BAD,
        "silent": OFF,
        "waived": OFF,
        "proven": GOOD,
        "unproven": BAD,
        "usable": GOOD,
        "unusable": BAD,
        "queued": WAIT,
        "successful": GOOD,
        "not_run": WAIT,
        "unmeasured": OFF,
        "got_worse": BAD,
        "got_better": GOOD,
        "learning": WAIT,
        "watching": GOOD,
        "alarm": BAD,
        "not_measured": OFF,
        "building": WAIT,
        "preliminary": WAIT,
        "accepted": GOOD,
        "refused": BAD,
        "succeeded": GOOD,
        "valid": GOOD,
        "expired": OFF,
        "revoked": OFF,
    }
)


def tone(state: str) -> str:
    """good, bad, wait or off; raises KeyError for a state that nobody gave a tone."""
    return _TONES[str(state)]


def sign(state: str) -> str:
    return _SIGNS[tone(state)]


def words(state: str) -> str:
    return str(state).replace("_", " ")


def utc(at: datetime | None) -> str:
    return "—" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def ago(at: datetime | None, now: datetime) -> str:
    """How long before `now`: one unit, rounded down."""
    return "never" if at is None else f"{span(now - at)} ago"


def span(length: timedelta) -> str:
    seconds = max(0.0, length.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def number(value: float | None) -> str:
    """Three decimals; a dash where nothing was measured."""
    return "—" if value is None else f"{value:.3f}".replace("-", "−")


def percent(value: float) -> str:
    return f"{value * 100:.3g} %"


def size(count: int) -> str:
    """Bytes, in the unit that leaves few digits."""
    for unit, many in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= many:
            return f"{count / many:.3g} {unit}"
    return f"{count} B"


def short(digest: str) -> str:
    return digest[:12]


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "tone": tone,
        "sign": sign,
        "words": words,
        "utc": utc,
        "ago": ago,
        "number": number,
        "percent": percent,
        "short": short,
        "size": size,
        "span": span,
    }
)
