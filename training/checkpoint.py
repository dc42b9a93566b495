"""Checkpoints: one file, replaced as a whole, from which a killed job goes on as if it had never stopped."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from aftertune.errors import Corrupt
from aftertune.values.training import TrainingPoint
from aftertune.values.value import Value
from training.job import CHECKPOINT_FILE

_PROGRESS = "progress"


class Progress(Value):
    """Where a job stands; with the weights, the moments and the generator's state, all that it needs to go on."""

    order: str = Field(description="the digest of what is trained; another order's checkpoint is refused")
    step: int = Field(default=0, description="steps done; the data's position follows from it")
    points: tuple[TrainingPoint, ...] = ()
    since_point: tuple[float, ...] = Field(default=(), description="losses of the steps since the last point")
    best_step: int | None = None
    best_validation: float | None = None
    without_best: int = Field(default=0, description="validations since the best one")
    seconds: float = Field(default=0.0, description="of training, over all attempts")
    attempts: int = 1


@dataclass(frozen=True)
class Checkpoint:
    """`best` are the weights of the best validation so far, empty before the first."""

    progress: Progress
    weights: Mapping[str, torch.Tensor]
    best: Mapping[str, torch.Tensor]
    moments: Mapping[str, torch.Tensor]
    generator: torch.Tensor


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Replaces the folder's checkpoint: a kill at any moment leaves the old one or the new one, whole. Raises OSError."""
    groups = {"weights": checkpoint.weights, "best": checkpoint.best, "moments": checkpoint.moments}
    tensors = {f"{group}:{name}": each for group, named in groups.items() for name, each in named.items()}
    tensors["generator:state"] = checkpoint.generator
    partial = folder / f"{CHECKPOINT_FILE}.partial"
    try:
        save_file(tensors, partial, metadata={_PROGRESS: checkpoint.progress.model_dump_json()})
    except SafetensorError as error:  # how a full disk looks
        raise OSError(str(error)) from None
    with partial.open("rb") as written:
        os.fsync(written.fileno())
    partial.replace(folder / CHECKPOINT_FILE)


def load(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, None if there is none. Raises Corrupt."""
    file = folder / CHECKPOINT_FILE
    if not file.exists():
        return None
    groups: dict[str, dict[str, torch.Tensor]] = {"weights": {}, "best": {}, "moments": {}, "generator": {}}
    try:
        with safe_open(file, framework="pt") as content:
            progress = Progress.model_validate_json(content.metadata()[_PROGRESS])
            for key in content.keys():  # noqa: SIM118  (no mapping)
                group, _, name = key.partition(":")
                groups[group][name] = content.get_tensor(key)
        generator = groups.pop("generator")["state"]
    except (SafetensorError, ValidationError, OSError, KeyError, TypeError) as error:
        raise Corrupt(f"The checkpoint {file} cannot be read: {error}.", "Start over with --fresh.") from None
    return Checkpoint(progress, groups["weights"], groups["best"], groups["moments"], generator)
