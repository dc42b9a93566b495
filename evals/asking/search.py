"""A query to an encoder: the suite's documents, nearest first.

An engine embeds the documents once a run, however many queries wait for them. The card's options may give the prefixes
that the encoder was trained with: `query_prefix` and `document_prefix`.
"""

import asyncio
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from aftertune.engine import AsyncEngine
from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer
from evals.asking.question import Question
from evals.suite.document import Document
from evals.suite.scoring import Search

DEPTH = 100
"""Documents that an answer names."""

AT_ONCE = 64
"""Documents in one request."""

Vectors = NDArray[np.float64]
"""(texts, dimensions), each of length 1, or 0 where the encoder gave nothing that points anywhere."""

_Key = tuple[str, tuple[Document, ...]]

# Kept as long as the engine, which is one run's: another run embeds anew, since it may be another release's weights.
_embedded: WeakKeyDictionary[AsyncEngine, dict[_Key, asyncio.Task[Vectors]]] = WeakKeyDictionary()


async def search(question: Question, engine: AsyncEngine) -> Answer:
    """Ranked by cosine, equals by id. Raises Unavailable, and BadInput for a suite without documents or queries."""
    wanted, options = question.sample.scoring, question.ask.options
    if not isinstance(wanted, Search) or not question.documents:
        raise BadInput(
            f"The sample {question.sample.id} is no query, or there are no documents to search.",
            "Name the documents file in the card.",
        )
    documents = await _documents(question.documents, str(options.get("document_prefix", "")), engine)
    (query,) = await _vectors([f"{options.get('query_prefix', '')}{wanted.query}"], engine)
    if query.shape[0] != documents.shape[1]:
        raise BadInput("The encoder gave vectors of different lengths.")
    # Without a direction all documents are equally far: an order by their ids would be no answer.
    return Answer(ranking=_ranked(question.documents, documents @ query) if query.any() else ())


def _ranked(documents: Sequence[Document], cosines: Vectors) -> tuple[str, ...]:
    # Rounded, so that the last bits of a sum, which depend on the machine, decide no tie.
    order = sorted(
        (-round(float(cosine), 9), document.id) for cosine, document in zip(cosines, documents, strict=True)
    )
    return tuple(name for _, name in order[:DEPTH])


async def _documents(documents: tuple[Document, ...], prefix: str, engine: AsyncEngine) -> Vectors:
    known = _embedded.setdefault(engine, {})
    key = (prefix, documents)
    if key not in known:
        texts = [f"{prefix}{document.text}" for document in documents]
        known[key] = asyncio.ensure_future(_vectors(texts, engine))
    embedding = known[key]
    try:
        # One query that is given up must not take the documents from the others.
        return await asyncio.shield(embedding)
    except Exception:
        if known.get(key) is embedding:
            del known[key]
        raise


async def _vectors(texts: Sequence[str], engine: AsyncEngine) -> Vectors:
    rows: list[list[float]] = []
    for start in range(0, len(texts), AT_ONCE):
        rows += await engine.embed(texts[start : start + AT_ONCE])
    if len({len(row) for row in rows}) != 1:
        raise BadInput("The encoder gave vectors of different lengths.")
    found = np.array(rows, dtype=np.float64)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    units: Vectors = np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0)
    return units
