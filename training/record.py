"""The record that lies beside weights: from what, how and with what they were made."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aftertune.digest import TRAINING_RECORD_FILE
from training.corpus import Sample

_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "safetensors")


def samples_digest(samples: Iterable[Sample]) -> str:
    """SHA-256 over the samples in order, each as one line of JSON: tools offered or not, and the conversation."""
    digest = hashlib.sha256()
    for sample in samples:
        line = json.dumps([sample.tools_offered, sample.conversation()], ensure_ascii=False, sort_keys=True)
        digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """The versions of the packages that shape the weights."""
    return {package: version(package) for package in _PACKAGES}


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Writes `record` as `training_record.json` into `folder`."""
    text = json.dumps(record, indent=2, ensure_ascii=False, sort_keys=True)
    (folder / TRAINING_RECORD_FILE).write_text(text + "\n", encoding="utf-8")
