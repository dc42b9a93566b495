"""Queries to an encoder: how documents are ranked, and what the ranking is worth."""

import asyncio
import gc
import weakref
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import BadInput, Unavailable
from aftertune.values.evaluation import Answer
from evals.asking import Question
from evals.asking.search import DEPTH, search
from evals.scorers.scorer import Given, Scores
from evals.scorers.search import search as scorer
from evals.suite.card import Ask
from evals.suite.document import Document
from evals.suite.sample import Sample
from evals.suite.scoring import Search, Served
from tests.evals.text.encoder import Encoder

VECTORS = {
    "a": [2.0, 0.0],
    "b": [0.0, 1.0],
    "b again": [0.0, 3.0],
    "nowhere": [0.0, 0.0],
    "east": [1.0, 0.1],
    "north": [0.1, 1.0],
}
DOCUMENTS = tuple(
    Document(id=name, text=text)
    for name, text in (("z", "b"), ("y", "b again"), ("x", "a"), ("w", "nowhere"))
)


def question(query: str, *relevant: str, **options: Any) -> Question:
    sample = Sample(id=query, scoring=Search(kind="search", query=query, relevant=relevant or ("x",)))
    return Question(sample, Ask(how="search", options=options), (), 1, DOCUMENTS)


def scored(ranking: Sequence[str], *relevant: str) -> Scores:
    sample = question("east", *relevant).sample
    return scorer.score(sample, Given((Answer(ranking=tuple(ranking)),)))


def run(*asked: Coroutine[Any, Any, Answer]) -> list[Answer | BaseException]:
    async def together() -> list[Answer | BaseException]:
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(together())


def rankings(found: Sequence[Answer | BaseException]) -> list[tuple[str, ...]]:
    assert all(isinstance(each, Answer) for each in found), found
    return [each.ranking for each in found if isinstance(each, Answer)]


def test_nearest_first_and_equals_by_id() -> None:
    engine = Encoder(VECTORS)
    found = rankings(run(search(question("east"), engine), search(question("north"), engine)))
    assert found == [("x", "y", "z", "w"), ("y", "z", "x", "w")]


def test_documents_are_embedded_once_for_all_queries_of_an_engine() -> None:
    engine, other = Encoder(VECTORS), Encoder(VECTORS)
    run(*(search(question("east"), engine) for _ in range(5)), search(question("north"), other))
    assert sum(len(texts) == len(DOCUMENTS) for texts in engine.asked) == 1
    assert sum(len(texts) == len(DOCUMENTS) for texts in other.asked) == 1


def test_prefixes_go_before_every_text() -> None:
    engine = Encoder(
        {f"query: {t}": v for t, v in VECTORS.items()} | {f"doc: {t}": v for t, v in VECTORS.items()}
    )
    asked = question("east", query_prefix="query: ", document_prefix="doc: ")
    assert rankings(run(search(asked, engine))) == [("x", "y", "z", "w")]


def test_documents_that_could_not_be_embedded_are_tried_again() -> None:
    engine = Encoder(VECTORS, away=Unavailable("The encoder is away."))
    lost = run(search(question("east"), engine), search(question("north"), engine))
    assert all(isinstance(each, Unavailable) for each in lost)
    engine.away = None
    assert rankings(run(search(question("east"), engine))) == [("x", "y", "z", "w")]


def test_vectors_of_different_lengths_are_refused() -> None:
    (lost,) = run(search(question("east"), Encoder({**VECTORS, "a": [1.0, 0.0, 0.0]})))
    assert isinstance(lost, BadInput)
    (lost,) = run(search(question("east"), Encoder({**VECTORS, "east": [1.0, 0.0, 0.0]})))
    assert isinstance(lost, BadInput)


def test_without_documents_or_a_query_nothing_is_asked() -> None:
    engine = Encoder(VECTORS)
    timed = Sample(id="s", scoring=Served(kind="served"))
    for asked in (question("east")._replace(documents=()), question("east")._replace(sample=timed)):
        (lost,) = run(search(asked, engine))
        assert isinstance(lost, BadInput)
    assert engine.asked == []


def test_known_answers() -> None:
    names = [f"d{n:02}" for n in range(1, 21)]
    assert scored(names, "d01") == {"recall_at_1": 1.0, "recall_at_5": 1.0, "recall_at_10": 1.0, "mrr": 1.0}
    assert scored(names, "d04") == {"recall_at_1": 0.0, "recall_at_5": 1.0, "recall_at_10": 1.0, "mrr": 0.25}
    assert scored(names, "d03", "d09") == {
        "recall_at_1": 0.0,
        "recall_at_5": 0.5,
        "recall_at_10": 1.0,
        "mrr": pytest.approx(1 / 3),
    }
    assert set(scored(names, "lost").values()) == {0.0}
    assert set(scored([], "d01").values()) == {None}


@given(st.permutations(range(30)), st.sets(st.integers(0, 29), min_size=1, max_size=5))
def test_more_depth_finds_no_less(order: list[int], relevant: set[int]) -> None:
    found = scored([str(each) for each in order], *map(str, sorted(relevant)))
    recalls = [found[f"recall_at_{k}"] for k in (1, 5, 10)]
    assert recalls == sorted(recalls, key=lambda each: float(each or 0.0))  # type: ignore[arg-type]
    assert found["mrr"] == 1 / (1 + min(order.index(each) for each in relevant))
    assert len(order) <= DEPTH


def test_an_engines_documents_go_with_it() -> None:
    engine = Encoder(VECTORS)
    run(search(question("east"), engine))
    gone = weakref.ref(engine)
    del engine
    gc.collect()
    assert gone() is None


def test_a_query_that_points_nowhere_is_unmeasured_and_not_ranked_by_id() -> None:
    (found,) = rankings(run(search(question("nowhere"), Encoder(VECTORS))))
    assert found == ()
    assert set(scored(found).values()) == {None}
