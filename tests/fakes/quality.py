"""How good a fake release is."""

from enum import StrEnum


class Quality(StrEnum):
    """good: a right, grounded tool call. bad: the call's arguments are clipped, so they are no JSON."""

    GOOD = "good"
    BAD = "bad"
