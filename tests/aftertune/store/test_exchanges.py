"""Exchanges exactly once, their payloads and scores, and spool positions."""

from datetime import timedelta

from aftertune.store import Store
from aftertune.store.bulk import CHUNK
from aftertune.store.exchanges import LegKey, NewExchange, Payload, ScoredAnswer
from aftertune.values.exchange import ExchangeRole
from tests.aftertune.samples import AT, exchange, scores


def test_a_leg_is_stored_once_whatever_is_replayed(store: Store) -> None:
    leg, payload = exchange("e1"), Payload(b'{"messages":[]}', b"\x00\xff")
    with store.write() as tx:
        assert tx.exchanges.add(leg, payload, scores())
        assert not tx.exchanges.add(leg, Payload(b"other", b"other"), scores(refusal=1.0))
    with store.read() as tx:
        assert tx.exchanges.get("e1") == leg
        assert tx.exchanges.payload("e1") == payload
        assert tx.exchanges.scores("e1") == scores()


def test_without_payload_the_scores_stay(store: Store) -> None:
    with store.write() as tx:
        tx.exchanges.add(exchange("e1"), None, scores(grounded=0.5))
    with store.read() as tx:
        assert tx.exchanges.payload("e1") is None
        assert tx.exchanges.scores("e1") == scores(grounded=0.5)


def test_an_answer_that_is_no_evidence_has_no_scores(store: Store) -> None:
    with store.write() as tx:
        tx.exchanges.add(exchange("e1"), None, None)
    with store.read() as tx:
        assert tx.exchanges.get("e1") == exchange("e1")
        assert tx.exchanges.scores("e1") is None
        assert tx.exchanges.answers("tasks", "v1", (ExchangeRole.STABLE,), AT) == []


def test_unknown_exchanges_are_none(store: Store) -> None:
    with store.read() as tx:
        assert tx.exchanges.get("e9") is None
        assert tx.exchanges.payload("e9") is None
        assert tx.exchanges.scores("e9") is None


def test_both_legs_are_found_by_request_and_by_pair(store: Store) -> None:
    legs = [
        exchange("e1", request_id="q1", pair_id="q1"),
        exchange("e2", request_id="q1", pair_id="q1", role=ExchangeRole.SHADOW, release="v2"),
        exchange("e3", request_id="q2"),
    ]
    with store.write() as tx:
        for leg in legs:
            tx.exchanges.add(leg, None, scores())
    with store.read() as tx:
        assert sorted(leg.exchange_id for leg in tx.exchanges.by_request("q1")) == ["e1", "e2"]
        assert sorted(leg.exchange_id for leg in tx.exchanges.legs("q1")) == ["e1", "e2"]
        assert tx.exchanges.legs("q2") == []


def test_answers_are_those_asked_for_in_the_order_in_which_they_ended(store: Store) -> None:
    def ended(after_s: float) -> dict[str, object]:
        return {"ended": AT + timedelta(seconds=after_s), "release": "v2", "role": ExchangeRole.CANARY}

    with store.write() as tx:
        for leg in (
            exchange("late", **ended(3)),
            exchange("early", **ended(1)),
            exchange("before", **ended(-1)),
            exchange("shadow", **(ended(1) | {"role": ExchangeRole.SHADOW})),
            exchange("other-release", **(ended(1) | {"release": "v1"})),
            exchange("other-deployment", **(ended(1) | {"deployment": "plants"})),
            exchange("hung", **(ended(0) | {"last_byte": None})),
        ):
            tx.exchanges.add(leg, None, scores())
    with store.read() as tx:
        found = tx.exchanges.answers("tasks", "v2", (ExchangeRole.CANARY, ExchangeRole.STABLE), AT)
    assert [answer.exchange_id for answer in found] == ["hung", "early", "late"]
    assert found[1] == ScoredAnswer("early", AT + timedelta(seconds=1), ExchangeRole.CANARY, 1, scores())


def test_counts_are_by_role(store: Store) -> None:
    with store.write() as tx:
        tx.exchanges.add(exchange("e1"), None, scores())
        tx.exchanges.add(exchange("e2", arrival=AT - timedelta(days=1)), None, scores())
        tx.exchanges.add(exchange("e3", deployment="plants", role=ExchangeRole.SHADOW), None, scores())
    with store.read() as tx:
        assert tx.exchanges.count() == {ExchangeRole.STABLE: 2, ExchangeRole.SHADOW: 1}
        assert tx.exchanges.count("tasks") == {ExchangeRole.STABLE: 2}
        assert tx.exchanges.count(since=AT) == {ExchangeRole.STABLE: 1, ExchangeRole.SHADOW: 1}
        assert tx.exchanges.count("nobody") == {}


def test_positions_are_kept_by_router_and_segment(store: Store) -> None:
    with store.write() as tx:
        assert tx.exchanges.position("r1", "a.seg") == 0
        tx.exchanges.set_position("r1", "a.seg", 10)
        tx.exchanges.set_position("r1", "a.seg", 25)
        tx.exchanges.set_position("r1", "b.seg", 7)
        tx.exchanges.set_position("r2", "a.seg", 3)
    with store.read() as tx:
        positions = [tx.exchanges.position(r, s) for r in ("r1", "r2") for s in ("a.seg", "b.seg")]
        tx.exchanges.forget_position("r1", "a.seg")
        assert [tx.exchanges.position("r1", "a.seg"), tx.exchanges.position("r1", "b.seg")] == [0, 7]
    assert positions == [25, 7, 3, 0]


def test_many_legs_are_stored_once_each_and_the_new_ones_are_told(store: Store) -> None:
    legs = [
        NewExchange(
            exchange(f"e{n}", key="\0 \ue000 \ue0000 ü", pair_id=f"q{n // 2}"),
            Payload(b"\x00\xff", b"") if n % 2 else None,
            scores() if n % 3 else None,
        )
        for n in range(CHUNK + 5)
    ]
    with store.write() as tx:
        assert tx.exchanges.add_all(legs[:3]) == legs[:3]
    with store.write() as tx:
        assert tx.exchanges.add_all([*legs, *legs[-2:]]) == legs[3:]
        assert tx.exchanges.add_all(legs) == []
    with store.read() as tx:
        for leg in (legs[0], legs[1], legs[-1]):
            identity = leg.exchange.exchange_id
            assert tx.exchanges.get(identity) == leg.exchange
            assert tx.exchanges.payload(identity) == leg.payload
            assert tx.exchanges.scores(identity) == leg.scores
        assert tx.exchanges.count() == {ExchangeRole.STABLE: CHUNK + 5}


def test_legs_of_many_pairs_are_found_with_what_a_comparison_needs(store: Store) -> None:
    live = NewExchange(exchange("e1", pair_id="q1"), Payload(b"asked", b"said"), scores())
    copy = NewExchange(exchange("e2", pair_id="q1", role=ExchangeRole.SHADOW), Payload(b"asked", b""), None)
    bare = NewExchange(exchange("e3", pair_id="q2"), None, scores())
    with store.write() as tx:
        tx.exchanges.add_all([live, copy, bare, NewExchange(exchange("e4"), None, None)])
    with store.read() as tx:
        keys = tx.exchanges.keys_of_pairs(["q1", "q2", "q3"])
        found = tx.exchanges.with_payload(["e1", "e2", "e3", "e9"])
    assert {pair: sorted(legs) for pair, legs in keys.items()} == {
        "q1": [LegKey("e1", ExchangeRole.STABLE), LegKey("e2", ExchangeRole.SHADOW)],
        "q2": [LegKey("e3", ExchangeRole.STABLE)],
    }
    assert sorted(found, key=lambda leg: leg.exchange.exchange_id) == [live, copy]
