"""How pages write numbers, times and states. A state is a sign and a word, never a colour alone."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from aftertune.visible import LONGEST
from console.transcript import conversation_text

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
        "open": WAIT,
        "closed": OFF,
        "rated": GOOD,
        "undecided": BAD,
        "flagged": BAD,
        "within": GOOD,
        "overspent": BAD,
        "unknown": WAIT,
        "uncalibrated": WAIT,
        "worse": BAD,
        "perhaps_worse": WAIT,
        "same": OFF,
        "cut_off": WAIT,
        "quiet": GOOD,
        "reference": OFF,
        "perhaps_better": WAIT,
        "better": GOOD,
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


def seconds(value: float) -> str:
    return span(timedelta(seconds=value))


def number(value: float | None) -> str:
    """Three decimals; a dash where nothing was measured."""
    return "—" if value is None else f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def change(value: float | None) -> str:
    """As `number`, with its sign."""
    return number(value) if value is None or round(value, 3) <= 0 else f"+{number(value)}"


def chance(p: float | None) -> str:
    """A p-value; below a thousandth it is only said to be small."""
    return "—" if p is None else "< 0.001" if p < 0.001 else number(p)


def percent(value: float) -> str:
    return f"{value * 100:.3g} %"


def size(count: int) -> str:
    """Bytes, in the unit that leaves few digits."""
    for unit, many in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= many:
            return f"{count / many:.3g} {unit}"
    return f"{count} B"


def whole(text: str) -> list[str]:
    """Pieces that are each short enough to be shown in full: people who judge a text see all of it."""
    return [text[start : start + LONGEST] for start in range(0, len(text), LONGEST)]


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
        "change": change,
        "seconds": seconds,
        "conversation": conversation_text,
        "chance": chance,
        "percent": percent,
        "short": short,
        "size": size,
        "span": span,
        "whole": whole,
    }
)
