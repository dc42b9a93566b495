"""Releases, engines and quarantine."""

from datetime import timedelta

import pytest

from aftertune.errors import BadInput, Conflict, NotFound
from aftertune.store import Store
from aftertune.values.release import EngineKind, EngineState, EngineStatus, ReleaseState
from tests.aftertune.samples import AT, release


def test_a_release_comes_back_as_it_was_saved(store: Store) -> None:
    waiting = release("v1", state=ReleaseState.REGISTERED, base_path="base", adapter_path="adapters/v1")
    ready = waiting.model_copy(update={"state": ReleaseState.READY, "model_path": "models/v1"})
    with store.write() as tx:
        tx.releases.add(waiting)
        assert tx.releases.in_state(ReleaseState.REGISTERED) == [waiting]
        tx.releases.save(ready)
    with store.read() as tx:
        assert tx.releases.get("v1") == ready
        assert tx.releases.in_state(ReleaseState.REGISTERED, ReleaseState.MERGING) == []
        assert tx.releases.in_state(ReleaseState.READY) == [ready]


def test_releases_are_listed_in_order_of_registration(store: Store) -> None:
    with store.write() as tx:
        tx.releases.add(release("b", created_at=AT))
        tx.releases.add(release("a", created_at=AT + timedelta(seconds=1)))
        tx.releases.add(release("aa", created_at=AT))
    with store.read() as tx:
        assert [r.id for r in tx.releases.all()] == ["aa", "b", "a"]


def test_an_id_is_given_once(store: Store) -> None:
    with store.write() as tx:
        tx.releases.add(release("v1"))
        with pytest.raises(BadInput, match="immutable"):
            tx.releases.add(release("v1"))


def test_unknown_releases_are_not_found(store: Store) -> None:
    with store.write() as tx:
        tx.releases.add(release("v1"))
        with pytest.raises(NotFound, match="no release 'v9'") as raised:
            tx.releases.get("v9")
        assert raised.value.known == ("v1",)
        with pytest.raises(NotFound):
            tx.releases.save(release("v9"))


def test_the_newest_status_of_an_engine_is_kept(store: Store) -> None:
    starting = EngineStatus(release="v1", kind=EngineKind.VLLM, state=EngineState.STARTING, updated_at=AT)
    ready = starting.model_copy(
        update={"state": EngineState.READY, "url": "http://127.0.0.1:9000", "fingerprint": ("a", "b")}
    )
    with store.write() as tx:
        tx.releases.add(release("v1"))
        assert tx.releases.engine("v1") is None
        tx.releases.save_engine(starting)
        tx.releases.save_engine(ready)
    with store.read() as tx:
        assert tx.releases.engine("v1") == ready
        assert tx.releases.engines() == {"v1": ready}


def test_an_engine_belongs_to_a_release(store: Store) -> None:
    orphan = EngineStatus(release="v9", kind=EngineKind.VLLM, state=EngineState.READY, updated_at=AT)
    with pytest.raises(Conflict), store.write() as tx:
        tx.releases.save_engine(orphan)


def test_quarantine_keeps_its_first_reason_until_it_is_lifted(store: Store) -> None:
    with store.write() as tx:
        tx.releases.add(release("v1"))
        tx.releases.quarantine("v1", "rolled back", AT)
        tx.releases.quarantine("v1", "again", AT)
        assert tx.releases.quarantined() == {"v1": "rolled back"}
        tx.releases.lift_quarantine("v1", "anna", AT)
        assert tx.releases.quarantined() == {}
        with pytest.raises(NotFound):
            tx.releases.lift_quarantine("v1", "anna", AT)
        tx.releases.quarantine("v1", "once more", AT)
    with store.read() as tx:
        assert tx.releases.quarantined() == {"v1": "once more"}
