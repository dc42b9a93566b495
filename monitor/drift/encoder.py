"""The port to an encoder: any server of the OpenAI embeddings API."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import openai

from aftertune.errors import Unavailable
from monitor.drift.reference import Matrix


class Encoder(Protocol):
    """Turns texts into vectors of length 1. Both raise Unavailable when that cannot be had."""

    def identity(self) -> str:
        """Name and weights digest: vectors of different identities cannot be compared."""
        ...

    def embed(self, texts: Sequence[str]) -> Matrix: ...


class OpenAIEncoder:
    """An Encoder over HTTP. `url` has no `/v1`; `batch` texts a request."""

    def __init__(self, url: str, model: str, timeout_s: float, batch: int) -> None:
        self._url = url
        self._model = model
        self._batch = batch
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", timeout=timeout_s, max_retries=0)

    def identity(self) -> str:
        try:
            models = self._client.models.list().data
            found = next((model for model in models if model.id == self._model), None)
            digest = "" if found is None else (found.model_extra or {}).get("digest", "")
        except openai.NotFoundError:  # some servers have no such list
            return self._model
        except openai.OpenAIError as error:
            raise self._unavailable(error) from error
        except (AttributeError, TypeError, ValueError) as error:
            raise Unavailable(f"The encoder at {self._url} gave no list of models.") from error
        return f"{self._model}@{digest}" if isinstance(digest, str) and digest else self._model

    def embed(self, texts: Sequence[str]) -> Matrix:
        """One row a text, in order."""
        batches = [texts[start : start + self._batch] for start in range(0, len(texts), self._batch)]
        rows = [self._embed(batch) for batch in batches]
        if len({found.shape[1] for found in rows}) > 1:
            raise Unavailable(f"The encoder at {self._url} gave vectors of different lengths.")
        return np.concatenate(rows)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        try:
            answer = self._client.embeddings.create(model=self._model, input=list(texts))
            found = sorted(answer.data, key=lambda item: item.index)
            vectors = np.asarray([item.embedding for item in found], dtype=np.float32)
        except openai.OpenAIError as error:
            raise self._unavailable(error) from error
        except (AttributeError, TypeError, ValueError) as error:
            # The client checks no types: what is no embedding shows only where it is read.
            raise Unavailable(f"The encoder at {self._url} gave no embeddings.") from error
        return self._checked(vectors, len(texts))

    def _checked(self, vectors: np.ndarray[Any, np.dtype[np.float32]], wanted: int) -> Matrix:
        if vectors.ndim != 2 or len(vectors) != wanted:
            raise Unavailable(f"The encoder at {self._url} gave other than one vector a text.")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and (lengths > 0).all()):
            raise Unavailable(f"The encoder at {self._url} gave vectors without a direction.")
        return np.asarray(vectors / lengths, dtype=np.float32)

    def _unavailable(self, error: openai.OpenAIError) -> Unavailable:
        kind = f"status {error.status_code}" if isinstance(error, openai.APIStatusError) else str(error)
        return Unavailable(f"The encoder at {self._url} gave no answer: {kind.rstrip('.')}.")

    def close(self) -> None:
        self._client.close()
