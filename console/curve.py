"""A training job's losses as a drawing: steps to the right, nats a token upwards."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from aftertune.values.training import TrainingPoint

WIDTH, HEIGHT = 640.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 12.0, 12.0, 34.0
_TICKS = 4


class Tick(NamedTuple):
    at: float
    text: str


class Mark(NamedTuple):
    x: float
    y: float


class Curve(NamedTuple):
    """Positions in drawing units from the upper left corner. `text` says the same in words."""

    loss: tuple[Mark, ...]
    validation: tuple[Mark, ...]
    best: Mark | None
    steps: tuple[Tick, ...]
    nats: tuple[Tick, ...]
    text: str


def curve(points: Sequence[TrainingPoint], steps: int, best_step: int | None) -> Curve | None:
    """None before the first finite point. The scale begins at zero, so that a loss that is halved looks halved."""
    points = [point for point in points if math.isfinite(point.loss)]
    if not points:
        return None
    measured = [(p.step, p.validation) for p in points if p.validation is not None]
    most = max([p.loss for p in points] + [value for _, value in measured]) * 1.05 or 1.0

    def mark(step: int, nats: float) -> Mark:
        x = LEFT + step / steps * (WIDTH - LEFT - RIGHT)
        return Mark(round(x, 1), round(HEIGHT - BOTTOM - nats / most * (HEIGHT - TOP - BOTTOM), 1))

    best = next((mark(step, value) for step, value in measured if step == best_step), None)
    last = points[-1]
    said = f"loss {last.loss:.3f} nats a token at step {last.step} of {steps}"
    if measured:
        said += f"; validation {measured[-1][1]:.3f} at step {measured[-1][0]}"
    parts = range(_TICKS + 1)
    return Curve(
        loss=tuple(mark(p.step, p.loss) for p in points),
        validation=tuple(mark(step, value) for step, value in measured),
        best=best,
        steps=tuple(Tick(mark(steps * i // _TICKS, 0).x, f"{steps * i // _TICKS:,}") for i in parts),
        nats=tuple(Tick(mark(0, most * i / _TICKS).y, f"{most * i / _TICKS:.2f}") for i in parts),
        text=said,
    )
