"""What must not be guessed while a campaign is open: drawn by a hash of its secret seed."""

import hashlib


def item_id(seed: str, subject: str) -> str:
    """Tells nothing of the sample or request that it stands for."""
    return f"it-{_draw(seed, 'item', subject)[:16]}"


def lot(seed: str, draw: str, subject: str) -> str:
    """A subject's place among all in a draw: uniform, the same each time, and another one in another draw."""
    return _draw(seed, "lot", draw, subject)


def swapped(seed: str, item: str, reviewer: str) -> bool:
    """Whether side 1 stands on the left, for this person: a fair coin for each item and person."""
    return int(_draw(seed, "order", item, reviewer)[0], 16) % 2 == 1


def _draw(seed: str, *parts: str) -> str:
    # Each part is hashed first, so that no two lists of parts are the same text.
    digests = (hashlib.sha256(part.encode()).hexdigest() for part in (seed, *parts))
    return hashlib.sha256("".join(digests).encode()).hexdigest()
