"""What a job is about to train, checked and digested before any of it starts; no torch is loaded for it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import rfc8785

from aftertune.digest import TRAINING_RECORD_FILE, WEIGHTS_SUFFIX, folder_digest, weights_digest
from aftertune.errors import BadInput
from training.dataset import Data, read_data
from training.sentinel import read_texts
from training.spec import Spec


@dataclass(frozen=True)
class Order:
    """A spec with its data and base; `digest` covers everything that shapes the weights, and no path.

    `sentinel`: texts whose loss is watched; they shape nothing.
    """

    spec: Spec
    data: Data
    steps: int
    base_name: str
    base_weights: str
    digest: str
    sentinel: tuple[str, ...] = ()


def place_order(spec: Spec) -> Order:
    """Raises BadInput that names the file, line or key at fault."""
    _check_base(spec.base)
    data = read_data(spec.data)
    said = spec.model_dump(mode="json", include={"release", "lora", "schedule", "validation", "seed"})
    read = {
        "base": folder_digest(spec.base),
        "train": data.train.sha256,
        "validation": data.validation.sha256,
        "tools": data.tools_sha256,
    }
    return Order(
        spec=spec,
        data=data,
        steps=spec.schedule.total(len(data.train.rows)),
        base_name=_name(spec.base),
        base_weights=weights_digest(spec.base),
        digest=hashlib.sha256(rfc8785.dumps(said | read)).hexdigest(),
        sentinel=read_texts(spec.sentinel) if spec.sentinel is not None else (),
    )


def _check_base(base: Path) -> None:
    if not (base / "config.json").is_file() or not any(base.glob(f"*{WEIGHTS_SUFFIX}")):
        raise BadInput(
            f"{base} holds no model: a config.json and {WEIGHTS_SUFFIX} files.", "Correct 'base' in the spec."
        )


def _name(base: Path) -> str:
    """What the base's own record calls it, else its folder's name; never a path."""
    record = base / TRAINING_RECORD_FILE
    try:
        named = json.loads(record.read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        named = None
    return named if isinstance(named, str) else base.name
