"""Evaluation runs, drift, reports, training jobs, alerts and the slot ledger."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from aftertune.deployments import created
from aftertune.errors import Conflict, NotFound
from aftertune.store import Store
from aftertune.store.drift import Embedded
from aftertune.store.exchanges import Payload
from aftertune.values.alert import Alert
from aftertune.values.drift import DriftReading, DriftState
from aftertune.values.evaluation import Answer, EvaluationRun, RunState, SampleResult, SuiteCard, Trigger
from aftertune.values.exchange import ExchangeRole
from aftertune.values.report import Report, ReportState, SignOff
from aftertune.values.training import TrainingJob, TrainingState
from tests.aftertune.samples import AT, exchange, release

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
HOSTILE = "NUL \0, \ud7ff, 🛠, \"quoted\" 'single'"


def run(name: str, **changes: Any) -> EvaluationRun:
    known = {
        "id": name,
        "suite": "forgetting",
        "release": "v1",
        "trigger": Trigger.REGISTRATION,
        "state": RunState.QUEUED,
        "requested_by": "system",
        "requested_at": AT,
    }
    return EvaluationRun(**(known | changes))


def card(name: str) -> SuiteCard:
    return SuiteCard(
        name=name,
        version="1",
        description="what it asks",
        samples=3,
        dataset="d",
        licence="CC0",
        gates=("at least 0.8",),
        baselines=(),
    )


def reading(state: DriftState, **changes: Any) -> DriftReading:
    known = {
        "deployment": "tasks",
        "release": "v1",
        "at": AT,
        "state": state,
        "run_length": 10_000,
        "reference": 0,
        "reference_wanted": 500,
        "observations": 0,
    }
    return DriftReading(**(known | changes))


def report(name: str, **changes: Any) -> Report:
    known = {
        "id": name,
        "week": "2026-W02",
        "revision": 1,
        "preliminary": False,
        "state": ReportState.REQUESTED,
        "requested_by": "rita",
        "requested_at": AT,
    }
    return Report(**(known | changes))


def alert(**changes: Any) -> Alert:
    known = {
        "fingerprint": "f1",
        "name": "RouterErrors",
        "severity": "page",
        "summary": "errors",
        "starts_at": AT,
        "received_at": AT,
    }
    return Alert(**(known | changes))


@pytest.fixture
def known(store: Store) -> Store:
    """With two releases and a deployment."""
    with store.write() as tx:
        for name in ("v1", "v2"):
            tx.releases.add(release(name))
        tx.deployments.add(created("tasks", "v1"))
    return store


def test_runs_are_found_by_what_they_measured(known: Store) -> None:
    with known.write() as tx:
        tx.evaluations.add(run("first"))
        tx.evaluations.add(run("second", suite="persona", requested_at=AT + SECOND))
        tx.evaluations.add(run("other", release="v2", trigger=Trigger.BY_HAND, requested_at=AT + DAY))
        tx.evaluations.save(run("first", state=RunState.SUCCESSFUL))
    with known.read() as tx:
        assert [r.id for r in tx.evaluations.open()] == ["second", "other"]
        assert [r.id for r in tx.evaluations.latest(release="v1")] == ["second", "first"]
        assert [r.id for r in tx.evaluations.latest(suite="forgetting", trigger=Trigger.BY_HAND)] == ["other"]
        assert [r.id for r in tx.evaluations.between(AT, AT + DAY)] == ["first", "second"]
        assert tx.evaluations.get("first").state is RunState.SUCCESSFUL
        with pytest.raises(NotFound, match="no evaluation run 'r9'"):
            tx.evaluations.get("r9")


def test_a_run_of_an_unknown_release_is_refused(known: Store) -> None:
    with pytest.raises(Conflict, match="refused"), known.write() as tx:
        tx.evaluations.add(run("first", release="v9"))


def test_the_first_answer_to_a_sample_stays(known: Store) -> None:
    answers = (Answer(text=HOSTILE),)
    first = SampleResult(run="r1", sample="s1", release="v1", answers=answers, scores={"exact": None})
    another = first.model_copy(update={"answers": (Answer(text="another"),)})
    with known.write() as tx:
        tx.evaluations.add(run("r1"))
        tx.evaluations.add_results([first, another])
        tx.evaluations.add_results([another, first.model_copy(update={"sample": "s0"})])
        tx.evaluations.add_results([])
    with known.read() as tx:
        assert [result.sample for result in tx.evaluations.results("r1")] == ["s0", "s1"]
        assert tx.evaluations.results("r1")[1] == first


def test_scores_are_read_for_one_release(known: Store) -> None:
    why = "no answer in 3 tries"
    results = [
        SampleResult(run="r1", sample="s1", release="v1", scores={"exact": None, "tone": 0.25}, error=why),
        SampleResult(run="r1", sample="s0", release="v1", scores={"exact": None}, error=why),
        SampleResult(
            run="r1", sample="s2", release="v1", answers=(Answer(text=HOSTILE),), scores={"exact": 1.0}
        ),
        SampleResult(run="r1", sample="s0", release="v2", scores={"exact": 0.0}, error=HOSTILE),
    ]
    with known.write() as tx:
        tx.evaluations.add(run("r1"))
        tx.evaluations.add_results(results)
    with known.read() as tx:
        assert tx.evaluations.scores("r1", "v1") == {
            "s0": {"exact": None},
            "s1": {"exact": None, "tone": 0.25},
            "s2": {"exact": 1.0},
        }
        assert tx.evaluations.scores("r1", "v9") == {}
        some = tx.evaluations.results("r1", ["s0", "s9"])
        assert [(result.release, result.sample) for result in some] == [("v1", "s0"), ("v2", "s0")]
        assert tx.evaluations.results("r1", []) == []


def test_suites_are_replaced_by_those_that_are_offered_now(store: Store) -> None:
    for names in (("b", "a"), ("b", "c")):
        with store.write() as tx:
            tx.evaluations.save_suites([card(name) for name in names])
    with store.read() as tx:
        assert tx.evaluations.suites() == [card("b"), card("c")]


def test_answers_to_users_wait_until_they_are_embedded(known: Store) -> None:
    payload = Payload(b"{}", b"{}")
    with known.write() as tx:
        tx.exchanges.add(exchange("e2", arrival=AT + SECOND), payload, None)
        tx.exchanges.add(exchange("e1"), payload, None)
        tx.exchanges.add(exchange("e0", arrival=AT - SECOND), payload, None)
        tx.exchanges.add(exchange("shadow", role=ExchangeRole.SHADOW), payload, None)
        tx.exchanges.add(exchange("unseen"), None, None)
    with known.write() as tx:
        waiting = tx.drift.waiting("tasks", AT, 10)
        assert [(leg.exchange_id, kept) for leg, kept in waiting] == [("e1", payload), ("e2", payload)]
        vectors = Embedded("e1", "tasks", "v1", AT, "minilm", b"\x00\xff" * 384, b"")
        tx.drift.add(vectors)
    with known.read() as tx:
        assert tx.drift.backlog("tasks", AT) == 1
        assert [leg.exchange_id for leg, _ in tx.drift.waiting("tasks", AT, 10)] == ["e2"]


def test_a_watch_is_kept_byte_for_byte_until_it_is_forgotten(known: Store) -> None:
    state, reference = b"\x00\x01", bytes(range(256))
    with known.write() as tx:
        with pytest.raises(ValueError, match="no stored reference"):
            tx.drift.save_watch("tasks", state, None)
        tx.drift.save_watch("tasks", b"first", reference)
    with known.write() as tx:
        tx.drift.save_watch("tasks", state, None)
    with known.write() as tx:
        assert tx.drift.watch("tasks") == state
        assert tx.drift.saved_watch("tasks") == (state, reference)
        assert tx.drift.watched() == ["tasks"]
        tx.drift.forget_watch("tasks")
    with known.read() as tx:
        assert tx.drift.watch("tasks") is None


def test_the_newest_reading_is_the_one_said_last(store: Store) -> None:
    learning, alarm = reading(DriftState.LEARNING), reading(DriftState.ALARM, at=AT + DAY)
    with store.write() as tx:
        assert tx.drift.reading("tasks") is None
        tx.drift.add_reading(learning)
        tx.drift.add_reading(alarm)
    with store.read() as tx:
        assert tx.drift.reading("tasks") == alarm
        assert tx.drift.readings("tasks", 5) == [alarm, learning]
        assert tx.drift.between(AT, AT + DAY) == [learning]


def test_a_week_has_revisions_and_each_manifest_one_word_a_reviewer(store: Store) -> None:
    word = SignOff(report="r1", manifest_digest="m", reviewer="rita", accepted=True, comment=HOSTILE, at=AT)
    with store.write() as tx:
        assert tx.reports.next_revision("2026-W02") == 1
        tx.reports.add(report("r1"))
        tx.reports.add(report("r2", revision=2, requested_at=AT + SECOND))
        assert tx.reports.next_revision("2026-W02") == 3
        tx.reports.save(report("r2", revision=2, state=ReportState.READY, requested_at=AT + SECOND))
        tx.reports.sign(word)
        with pytest.raises(Conflict, match="signed off"):
            tx.reports.sign(word)
        tx.reports.sign(word.model_copy(update={"manifest_digest": "another"}))
    with store.read() as tx:
        assert [r.id for r in tx.reports.all()] == ["r2", "r1"]
        assert tx.reports.unfinished() == [report("r1")]
        assert tx.reports.sign_offs("r1")[0] == word
        with pytest.raises(NotFound, match="Known: r1, r2"):
            tx.reports.get("r9")
    with pytest.raises(Conflict), store.write() as tx:
        tx.reports.add(report("r3", revision=2))


def test_a_training_job_says_how_far_it_is(store: Store) -> None:
    job = TrainingJob(
        id="t1",
        release="v3",
        spec="s",
        state=TrainingState.RUNNING,
        by="emil",
        host="here",
        pid=7,
        started_at=AT,
        heartbeat_at=AT,
        steps=100,
    )
    later = job.model_copy(update={"step": 50, "heartbeat_at": AT + SECOND})
    with store.write() as tx:
        assert tx.training.find("t1") is None
        tx.training.save(job)
        tx.training.save(later)
        tx.training.save(job.model_copy(update={"id": "t2", "started_at": AT + DAY}))
    with store.read() as tx:
        assert tx.training.get("t1") == later
        assert [found.id for found in tx.training.all()] == ["t2", "t1"]
        with pytest.raises(NotFound, match="Known: t1, t2"):
            tx.training.get("t9")


def test_an_alert_is_news_when_it_starts_and_when_it_ends(store: Store) -> None:
    resolved = alert(ends_at=AT + SECOND)
    with store.write() as tx:
        assert tx.alerts.save(alert())
        assert not tx.alerts.save(alert(received_at=AT + SECOND))
        assert tx.alerts.firing() == [alert()]
        assert tx.alerts.save(resolved)
        assert not tx.alerts.save(resolved)
        assert tx.alerts.firing() == []
        assert tx.alerts.save(alert())
        assert tx.alerts.firing() == [alert()]
        assert tx.alerts.save(resolved)
        assert tx.alerts.save(alert(starts_at=AT + DAY))
    with store.read() as tx:
        assert tx.alerts.between(AT, AT + DAY) == [resolved]


def test_of_schedulers_that_race_for_a_slot_exactly_one_gets_it(store: Store) -> None:
    together = threading.Barrier(6)

    def claim(number: int) -> bool:
        together.wait(10)
        with store.write() as tx:
            return tx.slots.claim("nightly", "2026-01-06T02:00", f"scheduler-{number}", AT)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(claim, range(6))) == [False] * 5 + [True]
    with store.write() as tx:
        assert tx.slots.claim("nightly", "2026-01-05T02:00", "scheduler-1", AT)
        assert tx.slots.claimed("nightly") == ["2026-01-05T02:00", "2026-01-06T02:00"]
        assert tx.slots.claimed("weekly") == []
