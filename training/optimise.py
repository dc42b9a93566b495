"""The training loop's step: AdamW, linear warm-up, cosine decay to a tenth."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from training.encoding import IGNORED, Row, stack
from training.spec import Schedule


@dataclass(frozen=True)
class Outcome:
    """What training came to: mean loss of the last tenth of the steps, and wall seconds."""

    loss: float
    seconds: float


def rate(step: int, steps: int, schedule: Schedule) -> float:
    """The learning rate at `step` of `steps`, counted from 0: up to the peak in a line, down to a tenth in half a
    cosine.
    """
    if step < schedule.warm_up:
        return schedule.peak_rate * (step + 1) / schedule.warm_up
    done = (step - schedule.warm_up) / max(1, steps - schedule.warm_up)
    return schedule.peak_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * done)))


class Learner:
    """A model under training: the parameters that require gradients, and their optimizer."""

    def __init__(self, model: torch.nn.Module, schedule: Schedule, steps: int, padding: int) -> None:
        self._model = model
        self._schedule = schedule
        self._steps = steps
        self._padding = padding
        self._trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
        self._optimizer = torch.optim.AdamW(
            self._trained.values(), lr=schedule.peak_rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True
        )

    def learn(self, step: int, batch: Sequence[Row]) -> float:
        """One step, counted from 0; returns its loss before it. Raises FloatingPointError when that is no number."""
        self._model.train()
        for group in self._optimizer.param_groups:
            group["lr"] = rate(step, self._steps, self._schedule)
        loss = self._model(**stack(batch, self._padding), use_cache=False).loss
        value = float(loss.item())
        if not math.isfinite(value):
            raise FloatingPointError(f"the loss of step {step + 1} is {value}")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained.values(), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return value

    def loss(self, rows: Sequence[Row]) -> float:
        """The mean over all learnt tokens of `rows`; nothing is learnt from them."""
        self._model.eval()
        size = self._schedule.batch
        ordered = sorted(rows, key=lambda row: len(row.ids))  # less padding to compute
        total, tokens = 0.0, 0
        with torch.inference_mode():
            for start in range(0, len(ordered), size):
                batch = ordered[start : start + size]
                # The first token of a row is never predicted.
                count = sum(label != IGNORED for row in batch for label in row.labels[1:])
                total += (
                    float(self._model(**stack(batch, self._padding), use_cache=False).loss.item()) * count
                )
                tokens += count
        return total / tokens

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of what is trained."""
        return {name: each.detach().clone() for name, each in self._trained.items()}

    def set_weights(self, weights: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, each in self._trained.items():
                each.copy_(weights[name])

    def moments(self) -> dict[str, torch.Tensor]:
        """The optimizer's state, as `parameter/quantity`; empty before the first step."""
        return {
            f"{name}/{quantity}": value
            for name, each in self._trained.items()
            for quantity, value in self._optimizer.state.get(each, {}).items()
        }

    def set_moments(self, moments: Mapping[str, torch.Tensor]) -> None:
        state: dict[int, dict[str, torch.Tensor]] = {}
        order = {name: index for index, name in enumerate(self._trained)}
        for key, value in moments.items():
            name, _, quantity = key.rpartition("/")
            state.setdefault(order[name], {})[quantity] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


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
    learner = Learner(model, schedule, len(batches), padding)
    started = time.monotonic()
    losses: list[float] = []
    for step, batch in enumerate(batches):
        losses.append(learner.learn(step, batch))
        if (step + 1) % 50 == 0:
            recent = sum(losses[-50:]) / 50
            say(f"step {step + 1} of {len(batches)}, loss {recent:.3f}, {time.monotonic() - started:.0f} s")
    model.eval()
    tail = losses[-max(1, len(batches) // 10) :]
    return Outcome(sum(tail) / len(tail), time.monotonic() - started)
