"""What ingest makes of a record: evidence, no evidence, or a record that is kept aside."""

import json
import shutil
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from aftertune.clock import ManualClock
from aftertune.spool import seal
from aftertune.store import Store
from aftertune.values.exchange import CapturePolicy, ExchangeError, ExchangeRole
from monitor import batch, record
from monitor.ingest import Ingest
from monitor.metrics import Metrics
from tests.aftertune.samples import AT
from tests.monitor.spooling import Leg, Masking, legs, write
from tests.monitor.test_ingest import stored
from tests.monitor.wire import call, completion, header, request, tool


def test_probes_are_stored_but_never_paired(ingest: Ingest, spool: Path, store: Store) -> None:
    live, copy = legs(1)
    probe = Leg(live.header.model_copy(update={"role": ExchangeRole.PROBE}), live.request, live.answer)
    list(write(spool / "router-1", [probe, copy]))

    ingest.run()

    assert stored(store) == (2, 0)


UNSEEN = [CapturePolicy.NONE, CapturePolicy.METADATA]


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


@pytest.mark.parametrize("capture", UNSEEN)
def test_a_payload_that_must_not_be_kept_is_neither_read_nor_kept(
    ingest: Ingest, spool: Path, store: Store, capture: CapturePolicy
) -> None:
    head = header("e1", capture=capture)
    list(write(spool / "router-1", [Leg(head, request("x"), completion(None, ("f", '{"secret": 1}')))]))

    ingest.run()

    with store.read() as tx:
        exchange, scores = tx.exchanges.get("e1"), tx.exchanges.scores("e1")
        assert tx.exchanges.payload("e1") is None
    assert exchange is not None
    assert exchange.tool_calls == ()
    assert scores is None


def redacted(leg: Leg, said: str) -> Leg:
    head = leg.header.model_copy(update={"capture": CapturePolicy.REDACTED})
    return Leg(
        head,
        request("call anna", tools=[tool("call_up", {})]),
        completion(said, call("call_up", whom="anna")),
    )


def test_a_redacted_payload_is_judged_as_it_was_and_kept_without_the_name(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    live, copy = (redacted(leg, "calling anna") for leg in legs(1))
    list(write(spool / "router-1", [live]))
    ingest.run()
    list(write(spool / "router-2", [copy]))
    ingest.run()

    with store.read() as tx:
        exchange, payload, scores = (
            tx.exchanges.get("live1"),
            tx.exchanges.payload("live1"),
            tx.exchanges.scores("live1"),
        )
        (pair,) = tx.pairs.between("tasks", "v1", "v2", AT)
    assert exchange is not None
    assert payload is not None
    assert scores is not None
    assert scores.grounded == 1.0, "the name in the call is the one in the question"
    assert b"anna" not in payload.request + payload.answer
    assert "[name]" in exchange.tool_calls[0].arguments
    assert "anna" not in exchange.model_dump_json()
    assert (pair.agreement, pair.stable.grounded, pair.candidate.grounded) == (1.0, 1.0, 1.0)


def test_nothing_of_a_redacted_exchange_stays_in_the_spool_or_the_store(
    migrated_file: Path, spool: Path, tmp_path: Path, clock: ManualClock
) -> None:
    database = Path(shutil.copy(migrated_file, tmp_path / "read.db"))
    store = Store(f"sqlite:///{database}")
    (path,) = write(spool / "router-1", [redacted(leg, "calling anna") for leg in legs(1)])
    seal(path)

    Ingest(store, spool, clock, Metrics(), Masking()).run()

    assert list((spool / "router-1").iterdir()) == []
    written = b"".join(file.read_bytes() for file in database.parent.glob(f"{database.name}*"))
    assert b"live1" in written
    assert b"anna" not in written
    store.close()


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


def explode(*given: object, **named: object) -> NoReturn:
    raise KeyError("nobody thought of this")


@pytest.mark.parametrize(("module", "part", "left"), [(record, "score", (0, 0)), (batch, "pair_up", (2, 0))])
def test_a_record_that_breaks_the_reading_is_kept_aside_and_the_next_ones_are_read(
    ingest: Ingest,
    spool: Path,
    store: Store,
    metrics: Metrics,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    part: str,
    left: tuple[int, int],
) -> None:
    (path,) = write(spool / "router-1", legs(1))
    with monkeypatch.context() as patch:
        patch.setattr(module, part, explode)
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


def test_a_live_leg_pairs_with_every_shadow_in_whatever_order_they_come(
    ingest: Ingest, spool: Path, store: Store
) -> None:
    for index, order in enumerate(permutations(range(3))):
        three = legs(index, shadows=("v2", "v3"))
        for step, number in enumerate(order):
            list(write(spool / f"router-{index}-{step}", [three[number]]))
            ingest.run()

        with store.read() as tx:
            for candidate in ("v2", "v3"):
                assert len(tx.pairs.between("tasks", "v1", candidate, AT)) == index + 1, order


def test_the_legs_of_one_batch_pair_once(ingest: Ingest, spool: Path, store: Store) -> None:
    list(write(spool / "router-1", [leg for n in range(5) for leg in legs(n, shadows=("v2", "v3", "v4"))]))

    assert ingest.run() == 20
    assert stored(store) == (20, 15)
