"""The training loop: AdamW, linear warm-up, cosine decay to a tenth."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from training.encoding import Row, stack


@dataclass(frozen=True)
class Schedule:
    """How hard to train."""

    steps: int
    batch: int
    peak_rate: float
    warm_up: int


@dataclass(frozen=True)
class Outcome:
    """What training came to: mean loss of the last tenth of the steps, and wall seconds."""

    loss: float
    seconds: float


def rate(step: int, schedule: Schedule) -> float:
    """The learning rate at `step`, counted from 0: up to the peak in a line, down to a tenth in half a cosine."""
    if step < schedule.warm_up:
        return schedule.peak_rate * (step + 1) / schedule.warm_up
    done = (step - schedule.warm_up) / max(1, schedule.steps - schedule.warm_up)
    return schedule.peak_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


def optimise(
    model: torch.nn.Module,
    batches: Sequence[Sequence[Row]],
    schedule: Schedule,
    padding: int,
    say: Callable[[str], None],
) -> Outcome:
    """Trains the parameters that require gradients, one step for each batch, in place."""
    if len(batches) != schedule.steps:
        raise ValueError(f"{len(batches)} batches for {schedule.steps} steps; give one batch for each step")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=schedule.peak_rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    started = time.monotonic()
    losses: list[float] = []
    model.train()
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = rate(step, schedule)
        loss = model(**stack(batch, padding), use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (step + 1) % 50 == 0:
            recent = sum(losses[-50:]) / 50
            say(f"step {step + 1} of {schedule.steps}, loss {recent:.3f}, {time.monotonic() - started:.0f} s")
    model.eval()
    tail = losses[-max(1, schedule.steps // 10) :]
    return Outcome(sum(tail) / len(tail), time.monotonic() - started)
