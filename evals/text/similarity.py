"""The cosine of answers and references, from an encoder behind /v1/embeddings."""

import hashlib
from collections.abc import Sequence

import numpy as np
import rfc8785

from aftertune.engine import AsyncEngine
from aftertune.errors import AftertuneError
from aftertune.values.evaluation import Answer, Judgement
from evals.suite.sample import Sample
from evals.suite.scoring import Text

SIMILARITY = "similarity"
NO_VECTOR = "The encoder gave a vector that points nowhere."


async def similarities(
    sample: Sample, answers: Sequence[Answer], encoder: AsyncEngine, name: str
) -> tuple[Judgement, ...]:
    """For each answer its cosine with the nearest reference, in [-1, 1]; unmeasured while the encoder is away.

    `name` is the encoder's. An answer without words is near to nothing: 0, without asking.
    """
    assert isinstance(sample.scoring, Text)
    references = sample.scoring.references
    prompt = hashlib.sha256(rfc8785.dumps([SIMILARITY, *references])).hexdigest()
    said = [answer.text.strip() for answer in answers]
    asked = [text for text in said if text]
    values: dict[str, float | None] = {"": 0.0}
    reason = ""
    try:
        if asked:
            values |= dict(
                zip(asked, _nearest(await encoder.embed([*asked, *references]), len(asked)), strict=True)
            )
    except AftertuneError as error:
        reason = str(error)
    return tuple(
        Judgement(
            question=SIMILARITY,
            judge=f"encoder {name}",
            prompt=prompt,
            answer=index,
            value=values.get(text),
            reason=reason if text not in values else NO_VECTOR if values[text] is None else "",
        )
        for index, text in enumerate(said)
    )


def _nearest(vectors: Sequence[Sequence[float]], answers: int) -> list[float | None]:
    """The first `answers` vectors are those of answers, the rest of references."""
    rows = np.asarray(vectors, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    best = (units[:answers] @ units[answers:].T).max(axis=1)
    return [float(np.clip(value, -1, 1)) if np.isfinite(value) else None for value in best]
