"""What ingest makes of a record: evidence, no evidence, or a record that is kept aside."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from aftertune.store import Store
from aftertune.values.exchange import CapturePolicy, ExchangeError, ExchangeRole
from monitor import ingest as ingest_module
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.aftertune.samples import AT
from tests.monitor.spooling import Leg, legs, write
from tests.monitor.test_ingest import stored
from tests.monitor.wire import completion, header, request


def test_probes_are_stored_but_never_paired(ingest: Ingest, spool: Path, store: Store) -> None:
    live, copy = legs(1)
    probe = Leg(live.header.model_copy(update={"role": ExchangeRole.PROBE}), live.request, live.answer)
    list(write(spool / "router-1", [probe, copy]))

    ingest.run()

    assert stored(store) == (2, 0)


UNSEEN = [CapturePolicy.NONE, CapturePolicy.METADATA, CapturePolicy.REDACTED]


@pytest.mark.parametrize("capture", UNSEEN)
def test_without_a_payload_the_header_is_stored_and_nothing_is_paired(
    ingest: Ingest, spool: Path, store: Store, capture: CapturePolicy
) -> None:
    bare = [Leg(leg.header.model_copy(update={"capture": capture}), b"", b"") for leg in legs(1)]
    list(write(spool / "router-1", bare))

    ingest.run()

    assert stored(store) == (2, 0)
    with store.read() as tx:
        assert tx.exchanges.payload("live1") is None
        assert tx.exchanges.scores("live1") is None, "nobody saw whether the answer was good"


@pytest.mark.parametrize("capture", UNSEEN)
def test_without_a_payload_a_failure_is_still_evidence(
    ingest: Ingest, spool: Path, store: Store, capture: CapturePolicy
) -> None:
    head = header("e1", capture=capture, status=503, error=ExchangeError.ENGINE_ERROR)
    list(write(spool / "router-1", [Leg(head, b"", b"")]))

    ingest.run()

    with store.read() as tx:
        scores = tx.exchanges.scores("e1")
    assert scores is not None
    assert (scores.completed, scores.valid_answer) == (0.0, 0.0)


def test_a_payload_that_must_be_redacted_is_neither_read_nor_kept(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    head = header("e1", capture=CapturePolicy.REDACTED)
    list(write(spool / "router-1", [Leg(head, request("x"), completion(None, ("f", '{"secret": 1}')))]))

    ingest.run()

    with store.read() as tx:
        exchange, scores = tx.exchanges.get("e1"), tx.exchanges.scores("e1")
        assert tx.exchanges.payload("e1") is None
    assert exchange is not None
    assert exchange.tool_calls == ()
    assert scores is None


def test_an_engine_that_hangs_until_the_client_gives_up_is_evidence(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    ends: dict[str, Any] = {
        "status": 0,
        "error": ExchangeError.CLIENT_LEFT,
        "first_byte": None,
        "last_byte": None,
    }
    patient = header("patient", role=ExchangeRole.CANARY, ended=AT + timedelta(seconds=8), **ends)
    hasty = header("hasty", role=ExchangeRole.CANARY, ended=AT + timedelta(seconds=1), **ends)
    list(write(spool / "router-1", [Leg(head, request("x"), b"") for head in (patient, hasty)]))

    ingest.run()

    with store.read() as tx:
        scores = tx.exchanges.scores("patient")
        assert tx.exchanges.scores("hasty") is None
    assert scores is not None
    assert (scores.completed, scores.valid_answer) == (0.0, 0.0)


def explode(*given: object) -> NoReturn:
    raise KeyError("nobody thought of this")


@pytest.mark.parametrize(("part", "left"), [("score", (0, 0)), ("pair_up", (2, 0))])
def test_a_record_that_breaks_the_reading_is_kept_aside_and_the_next_ones_are_read(
    ingest: Ingest,
    spool: Path,
    store: Store,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    left: tuple[int, int],
) -> None:
    (path,) = write(spool / "router-1", legs(1))
    with monkeypatch.context() as patch:
        patch.setattr(ingest_module, part, explode)
        assert ingest.run() == 2
    assert stored(store) == left
    refused = sum(1 for _ in path.parent.glob("*.refused"))
    counted = metrics.registry.get_sample_value("aftertune_ingest_refused_records_total", {"reason": "fault"})
    assert refused == counted == (2 if part == "score" else 1)
    with store.read() as tx:
        entries = list(tx.audit.entries())
    assert [e.action for e in entries] == ["record_refused"] * refused
    assert json.loads(entries[-1].body)["reason"] == "KeyError"
    with path.open("ab") as file:
        file.write(legs(9)[0].record())

    assert ingest.run() == 1
    assert stored(store) == (left[0] + 1, 0)


@pytest.mark.parametrize(
    ("changes", "paired"),
    [({"error": ExchangeError.CLIENT_LEFT}, 0), ({"status": 400}, 1)],
)
def test_what_the_client_did_is_stored_without_scores(
    ingest: Ingest, spool: Path, store: Store, changes: dict[str, object], paired: int
) -> None:
    live, copy = legs(1)
    theirs = Leg(live.header.model_copy(update=changes), live.request, b"")
    list(write(spool / "router-1", [theirs, copy]))

    ingest.run()

    assert stored(store) == (2, paired)
    with store.read() as tx:
        assert tx.exchanges.scores("live1") is None
        assert tx.exchanges.scores("copy1") is not None


def test_a_reused_request_id_makes_no_false_pair(ingest: Ingest, spool: Path, store: Store) -> None:
    live, copy = legs(1)
    again = Leg(live.header.model_copy(update={"exchange_id": "live1b"}), request("other"), live.answer)
    list(write(spool / "router-1", [live, again, copy]))

    ingest.run()

    assert stored(store) == (3, 0)
