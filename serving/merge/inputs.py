"""What must hold before anything is loaded: safe formats, whole files, an adapter made for this base."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from aftertune.digest import TRAINING_RECORD_FILE, WEIGHTS_SUFFIX, folder_digest, model_files, weights_digest
from aftertune.errors import BadInput, UnknownName

PICKLES = frozenset({".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"})
"""Suffixes of formats that run code when they are read."""
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_KINDS = ("LORA",)


@dataclass(frozen=True)
class Inputs:
    """A base and, unless it is served as it is, an adapter that were checked.

    Digests as `aftertune.digest` defines them; without an adapter its digest is empty.
    """

    base: Path
    adapter: Path | None
    base_digest: str
    adapter_digest: str
    training: dict[str, str | int | float]


def check_inputs(base: Path, adapter: Path | None) -> Inputs:
    """Raises BadInput that names the file at fault; reads no tensor."""
    _check_folder(base)
    if adapter is not None:
        _check_folder(adapter)
    _read_json(base / "config.json")
    _check_weights(base)
    record = _check_adapter(adapter, base) if adapter is not None else _record_of_base(base)
    return Inputs(
        base=base,
        adapter=adapter,
        base_digest=folder_digest(base),
        adapter_digest=folder_digest(adapter) if adapter is not None else "",
        training=dict(_flat(record)),
    )


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder.", "Give the folder that holds the model's files.")
    _refuse_pickles(folder)


def _record_of_base(base: Path) -> dict[str, Any]:
    """Who serves somebody else's base as it is need not know how it was trained."""
    record = base / TRAINING_RECORD_FILE
    return _read_json(record) if record.is_file() else {}


def _check_adapter(adapter: Path, base: Path) -> dict[str, Any]:
    """Returns its training record."""
    kind = _read_json(adapter / ADAPTER_CONFIG).get("peft_type")
    if kind not in ADAPTER_KINDS:
        raise UnknownName("adapter type", str(kind), ADAPTER_KINDS)
    if not (adapter / ADAPTER_WEIGHTS).is_file():
        raise BadInput(f"The adapter {adapter} has no {ADAPTER_WEIGHTS}.", "Save it as safetensors.")
    _check_weights(adapter)
    record = _read_json(adapter / TRAINING_RECORD_FILE)
    _refuse_other_base(record, base)
    return record


def _refuse_pickles(folder: Path) -> None:
    for name in model_files(folder):
        if Path(name).suffix.lower() in PICKLES:
            raise BadInput(
                f"{folder / name} is in a pickle format, which can run code when it is read.",
                "Convert it to safetensors, or take it out of the folder.",
            )


def _check_weights(folder: Path) -> None:
    names = [name for name in model_files(folder) if name.endswith(WEIGHTS_SUFFIX)]
    if not names:
        raise BadInput(f"{folder} holds no {WEIGHTS_SUFFIX} file.", "Save the weights as safetensors.")
    for name in names:
        try:
            # Opening checks the header against the file's length.
            with safe_open(folder / name, framework="np") as weights:
                empty = not weights.keys()
        except (SafetensorError, OSError) as error:
            raise BadInput(
                f"{folder / name} is corrupt: {error}.", "Copy it again from its source."
            ) from None
        if empty:
            raise BadInput(f"{folder / name} holds no tensors.", "Copy it again from its source.")


def _refuse_other_base(record: dict[str, Any], base: Path) -> None:
    told = record.get("base")
    expected = told.get("weights_sha256") if isinstance(told, dict) else None
    if not isinstance(expected, str):
        raise BadInput(
            f"The adapter's {TRAINING_RECORD_FILE} does not say which base it was trained on.",
            'Write {"base": {"weights_sha256": "..."}} into it; its training job knows.',
        )
    found = weights_digest(base)
    if found != expected:
        raise BadInput(
            f"The adapter is for another base: it was trained on weights {expected}, "
            f"the base {base} has weights {found}.",
            "Give the base that the adapter was trained on.",
        )


def _read_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise BadInput(f"There is no {file}.", "Copy the whole folder.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{file} is not JSON: {error}.", "Copy it again from its source.") from None
    if not isinstance(content, dict):
        raise BadInput(f"{file} is not a JSON object.", "Copy it again from its source.")
    return content


def _flat(record: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str | int | float]]:
    """Nested names joined by dots; lists as JSON; nulls left out."""
    for key, value in record.items():
        match value:
            case None:
                continue
            case dict():
                yield from _flat(value, f"{prefix}{key}.")
            case str() | int() | float():
                yield f"{prefix}{key}", value
            case _:
                yield f"{prefix}{key}", json.dumps(value)
