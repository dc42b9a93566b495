"""The training itself: steps, validation, early stopping, checkpoints, and the adapter of the best one."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from aftertune.errors import BadInput, Conflict
from aftertune.values.training import TrainingPoint
from training import checkpoint
from training.checkpoint import Checkpoint, Progress
from training.conversation import Conversation
from training.encoding import Row, batches, encode, encode_texts
from training.export import publish
from training.job import ADAPTER_FOLDER
from training.lora import adapted, save_adapter
from training.optimise import Learner
from training.order import Order

POINTS = 200
"""About how many points a curve has between its validations, at most."""


Report: TypeAlias = Callable[[Progress, int | None], None]
"""Told after every step: how it goes, and the step that a new attempt would go on from."""


def make_reproducible(threads: int) -> None:
    """Before anything is trained in this process: equal inputs give equal bytes. Its log holds no progress bars."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    disable_progress_bar()


class Tuning:
    """One attempt at an order, from its last checkpoint on if it has one.

    On one machine with the same number of threads, a job that was stopped or killed and resumed comes to the same
    bytes as one that ran through: weights, moments, random state and the data's position are all in the checkpoint.
    """

    def __init__(self, order: Order, folder: Path, report: Report, stop: Callable[[], bool]) -> None:
        """Raises BadInput when the rows do not suit the base, Conflict when the checkpoint is another order's."""
        self._order, self._folder, self._report, self._stop = order, folder, report, stop
        spec = order.spec
        tokenizer = AutoTokenizer.from_pretrained(spec.base)
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        longest = getattr(AutoConfig.from_pretrained(spec.base), "max_position_embeddings", None)
        self._rows = _encoded(order.data.train.rows, tokenizer, spec.data.train, longest)
        chosen = order.data.validation.rows[: spec.validation.samples]
        self._validation = _encoded(chosen, tokenizer, spec.data.validation, longest)
        self._sentinel = encode_texts(order.sentinel, tokenizer, longest)
        self._model = adapted(spec.base, spec.lora, spec.seed)
        self._learner = Learner(self._model, spec.schedule, order.steps, padding)
        self._best: dict[str, torch.Tensor] = {}
        self._progress = Progress(order=order.digest)
        self._saved: int | None = None
        self._resume()

    @property
    def saved(self) -> int | None:
        """The step that a new attempt would go on from."""
        return self._saved

    def run(self) -> Path | None:
        """Returns the adapter's folder; None when it was asked to stop first, with a checkpoint written.

        Raises FloatingPointError, OSError and whatever torch raises when memory is short.
        """
        size = self._order.spec.schedule.batch
        plan = batches(self._in_order(), size, self._order.spec.seed)
        self._report(self._progress, self._saved)
        while not self._done():
            started = time.monotonic()
            step = self._progress.step
            losses = (*self._progress.since_point, self._learner.learn(step, plan[step]))
            self._progress = self._progress.model_copy(update={"step": step + 1, "since_point": losses})
            due = self._validation_due()
            self._note(*((self._validate(), self._watch()) if due else (None, None)))
            self._progress = self._progress.model_copy(
                update={"seconds": self._progress.seconds + time.monotonic() - started}
            )
            stopping = self._stop()
            if due or stopping:
                self._save()
            self._report(self._progress, self._saved)
            if stopping and not self._done():
                return None
        return self._export()

    def _resume(self) -> None:
        found = checkpoint.load(self._folder)
        if found is None:
            return
        if found.progress.order != self._order.digest:
            raise Conflict(
                f"The job {self._order.spec.release!r} has a checkpoint of other settings, data or base"
                f" (step {found.progress.step}).",
                "Put them back to go on from it, choose another release, or start over with --fresh.",
            )
        self._learner.set_weights(found.weights)
        self._learner.set_moments(found.moments)
        self._best = dict(found.best)
        torch.set_rng_state(found.generator)
        self._saved = found.progress.step
        self._progress = found.progress.model_copy(update={"attempts": found.progress.attempts + 1})

    def _in_order(self) -> list[Row]:
        """Every row once in each epoch, shuffled anew, for as many steps as there are."""
        generator = torch.Generator().manual_seed(self._order.spec.seed)
        wanted = self._order.steps * self._order.spec.schedule.batch
        drawn: list[Row] = []
        while len(drawn) < wanted:
            shuffled = torch.randperm(len(self._rows), generator=generator).tolist()
            drawn += [self._rows[index] for index in shuffled]
        return drawn[:wanted]

    def _done(self) -> bool:
        patience = self._order.spec.validation.patience
        tired = bool(patience) and self._progress.without_best >= patience
        return tired or self._progress.step >= self._order.steps

    def _validation_due(self) -> bool:
        step = self._progress.step
        return step % self._order.spec.validation.every == 0 or step == self._order.steps

    def _validate(self) -> float:
        loss = self._learner.loss(self._validation)
        if not math.isfinite(loss):
            raise FloatingPointError(f"the validation loss of step {self._progress.step} is {loss}")
        best = self._progress.best_validation
        if best is None or loss < best:
            self._best = self._learner.weights()
            found = {"best_step": self._progress.step, "best_validation": loss, "without_best": 0}
        else:
            found = {"without_best": self._progress.without_best + 1}
        self._progress = self._progress.model_copy(update=found)
        return loss

    def _watch(self) -> float | None:
        """The loss on the sentinel's texts; None without any, or where it is no number."""
        loss = self._learner.loss(self._sentinel) if self._sentinel else math.nan
        return loss if math.isfinite(loss) else None

    def _note(self, validation: float | None, sentinel: float | None) -> None:
        """A point of the curve, where one is due."""
        step, every = self._progress.step, self._order.spec.validation.every
        gap = max(1, every // 5, self._order.steps // POINTS)
        if validation is None and step % gap:
            return
        losses = self._progress.since_point
        mean = sum(losses) / len(losses)
        point = TrainingPoint(step=step, loss=mean, validation=validation, sentinel=sentinel)
        self._progress = self._progress.model_copy(
            update={"points": (*self._progress.points, point), "since_point": ()}
        )

    def _save(self) -> None:
        checkpoint.save(
            self._folder,
            Checkpoint(
                progress=self._progress,
                weights=self._learner.weights(),
                best=self._best,
                moments=self._learner.moments(),
                generator=torch.get_rng_state(),
            ),
        )
        self._saved = self._progress.step

    def _export(self) -> Path:
        self._learner.set_weights(self._best)
        target = self._folder / ADAPTER_FOLDER

        def fill(folder: Path) -> None:
            save_adapter(self._model, self._order.base_name, folder)

        publish(self._order, self._progress, len(self._validation), target, fill)
        return target


def _encoded(
    conversations: tuple[Conversation, ...],
    tokenizer: PreTrainedTokenizerBase,
    file: Path,
    longest: int | None,
) -> list[Row]:
    try:
        rows = encode(conversations, tokenizer)
    except BadInput as error:
        raise BadInput(f"{file}: {error.what}", error.remedy) from None
    long = [number for number, row in enumerate(rows, start=1) if longest and len(row.ids) > longest]
    if long:
        raise BadInput(
            f"{file}:{long[0]}: {len(rows[long[0] - 1].ids)} tokens; the base reads {longest}"
            f" ({len(long)} such lines).",
            "Shorten or remove them.",
        )
    return rows
