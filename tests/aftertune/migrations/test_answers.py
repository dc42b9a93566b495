"""What a program of revision 0003 stored of its evaluations is read by this one."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, MetaData

from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.evaluation import Answer
from tests.aftertune.samples import AT, release

MANY = 1203
"""More rows than one chunk of the migration holds."""

SCORE = {
    "metric": "exact",
    "scorer": "exact_match 1",
    "n": 2,
    "unmeasured": 0,
    "estimate": 0.5,
    "low": 0.1,
    "high": 0.9,
    "confidence": 0.95,
    "method": "Wilson score interval",
    "detail": "",
}
SIGNATURE = {
    "suite": "tools",
    "suite_version": "1",
    "dataset": "d" * 64,
    "scorers": {"exact_match": "1"},
    "release": "v1",
    "weights": "w1",
    "baseline": "v0",
    "baseline_weights": "w0",
    "seed": 7,
    "decoding": {"temperature": 0},
    "versions": {"aftertune": "0.1.0"},
}


@pytest.fixture
def older(empty_url: str) -> Iterator[Store]:
    """A database of revision 0003 with runs, answers and suites."""
    store = Store(empty_url)
    upgrade(store.engine, "0003")
    fill(store.engine)
    yield store
    store.close()


def test_answers_runs_and_suites_are_read_as_they_were(older: Store) -> None:
    upgrade(older.engine)
    with older.read() as tx:
        compared, alone, open_ = (tx.evaluations.get(run) for run in ("ev-1", "ev-2", "ev-3"))
        assert compared.signature is not None
        assert compared.signature.baselines == {"v0": "w0"}
        assert compared.scores[0].estimate == 0.5
        assert alone.signature is not None
        assert alone.signature.baselines == {}
        assert open_.signature is None
        results = tx.evaluations.results("ev-1")
        assert len(results) == MANY
        by_sample = {result.sample: result for result in results}
        assert by_sample["s-7"].answers == (Answer(text="Answer 7 \u202e\U0001f600"),)
        assert (by_sample["s-7"].scores, by_sample["s-7"].latency_s) == ({"exact": 1.0, "judged": None}, 0.25)
        assert (by_sample["unanswered"].answers, by_sample["unanswered"].error) == ((), "timed out")
        assert by_sample["silent"].answers == (Answer(text=""),)
        assert {card.name: card.baselines for card in tx.evaluations.suites()} == {
            "forgetting": ("base",),
            "tools": (),
        }


def test_what_they_are_rated_on_afterwards_is_the_same_text(older: Store) -> None:
    upgrade(older.engine)
    with older.read() as tx:
        answers = tx.evaluations.answers("ev-1", "v1", ["s-7", "unanswered", "unknown"])
    assert {sample: answer.said for sample, answer in answers.items()} == {"s-7": "Answer 7 \u202e\U0001f600"}


def fill(engine: Engine) -> None:
    tables = MetaData()
    tables.reflect(engine)
    known = release("v1")
    body = known.model_dump(mode="json")
    rows: dict[str, list[dict[str, Any]]] = {
        "releases": [{"id": "v1", "state": "ready", "created_at": AT, "body": body}],
        "suites": [_suite("tools", compares=False), _suite("forgetting", compares=True)],
        "evaluations": [
            _run("ev-1", SIGNATURE),
            _run("ev-2", SIGNATURE | {"baseline": "", "baseline_weights": ""}),
            _run("ev-3", None),
        ],
        "samples": [
            *(_sample(f"s-{number}", f"Answer {number} \u202e\U0001f600") for number in range(MANY - 2)),
            _sample("unanswered", "", "timed out"),
            _sample("silent", ""),
        ],
    }
    with engine.begin() as connection:
        for name, values in rows.items():
            connection.execute(tables.tables[name].insert(), values)


def _suite(name: str, *, compares: bool) -> dict[str, Any]:
    body = {
        "name": name,
        "version": "1",
        "description": "",
        "samples": 2,
        "dataset": "d" * 64,
        "licence": "Apache-2.0",
        "gates": ["exact ≥ 0.5"],
        "compares_with_base": compares,
    }
    return {"name": name, "body": body}


def _run(run: str, signature: dict[str, Any] | None) -> dict[str, Any]:
    body = {
        "id": run,
        "suite": "tools",
        "release": "v1",
        "deployment": None,
        "trigger": "nightly",
        "state": "successful" if signature else "queued",
        "reason": "",
        "requested_by": "olga",
        "requested_at": AT.isoformat(),
        "started_at": None,
        "ended_at": None,
        "samples": 2,
        "done": 2,
        "attempts": 1,
        "signature": signature,
        "scores": [SCORE] if signature else [],
        "differences": [],
        "gates": [],
    }
    columns = {name: body[name] for name in ("id", "suite", "release", "trigger", "state")}
    return {**columns, "requested_at": AT, "body": body}


def _sample(sample: str, answer: str, error: str = "") -> dict[str, Any]:
    body = {
        "run": "ev-1",
        "sample": sample,
        "release": "v1",
        "answer": answer,
        "scores": {"exact": None if error else 1.0, "judged": None},
        "error": error,
        "latency_s": None if error else 0.25,
    }
    return {"run": "ev-1", "release": "v1", "sample": sample, "body": body}
