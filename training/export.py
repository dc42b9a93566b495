"""What a finished job leaves: the adapter, its record and its model card, put in place together."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aftertune.durable import flush
from training.card import model_card
from training.checkpoint import Progress
from training.order import Order
from training.record import versions, write_record


def publish(
    order: Order, progress: Progress, validated: int, target: Path, fill: Callable[[Path], None]
) -> None:
    """`fill` writes the weights into a folder beside `target`, which then takes its place, whole."""
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    fill(partial)
    record = training_record(order, progress, validated)
    write_record(partial, record)
    (partial / "README.md").write_text(model_card(record, progress.points), encoding="utf-8")
    for path in (*partial.iterdir(), partial):
        flush(path)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    flush(target.parent)


def training_record(order: Order, progress: Progress, validated: int) -> dict[str, Any]:
    """From what, how and with what the adapter was made; no path of this machine, nothing that is secret."""
    spec, data = order.spec, order.data
    return {
        "release": spec.release,
        "purpose": spec.purpose,
        "seed": spec.seed,
        "order": order.digest,
        "base": {"name": order.base_name, "weights_sha256": order.base_weights},
        "dataset": {
            "train": {"sha256": data.train.sha256, "samples": len(data.train.rows)},
            "validation": {
                "sha256": data.validation.sha256,
                "samples": validated,
                "also_in_train": data.validation.shared_with(data.train),
            },
            "tools_sha256": data.tools_sha256 or None,
        },
        "lora": {
            "rank": spec.lora.rank,
            "alpha": spec.lora.alpha,
            "dropout": spec.lora.dropout,
            "target_modules": list(spec.lora.layers),
        },
        "schedule": {
            "steps": order.steps,
            "batch": spec.schedule.batch,
            "peak_rate": spec.schedule.peak_rate,
            "warm_up": spec.schedule.warm_up,
        },
        "validation": {"every": spec.validation.every, "patience": spec.validation.patience},
        "steps_done": progress.step,
        "ended_by": "schedule" if progress.step >= order.steps else "early stopping",
        "best_step": progress.best_step,
        "validation_loss": _rounded(progress.best_validation),
        "sentinel_loss": _rounded(_sentinel(progress)),
        "seconds": round(progress.seconds, 1),
        "attempts": progress.attempts,
        "versions": versions(),
    }


def _sentinel(progress: Progress) -> float | None:
    """On the sentinel's texts, of the weights that are exported."""
    return next((point.sentinel for point in progress.points if point.step == progress.best_step), None)


def _rounded(loss: float | None) -> float | None:
    return round(loss, 5) if loss is not None else None
