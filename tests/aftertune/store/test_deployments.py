"""Deployments, promotions and idempotency keys."""

import pytest

from aftertune.deployments import created, frozen
from aftertune.errors import BadInput, Conflict, IdempotencyReuse, NotFound, StaleGeneration
from aftertune.store import Store
from aftertune.store.deployments import Promotion
from tests.aftertune.samples import AT, release


@pytest.fixture
def stocked(store: Store) -> Store:
    with store.write() as tx:
        tx.releases.add(release("v1"))
        tx.releases.add(release("v2"))
        tx.deployments.add(created("tasks", "v1"))
    return store


def test_a_swap_replaces_what_was_seen(stocked: Store) -> None:
    seen = created("tasks", "v1")
    after = frozen(seen, "audit")
    with stocked.write() as tx:
        assert tx.deployments.get("tasks") == seen
        tx.deployments.swap(seen, after)
        assert tx.deployments.get("tasks") == after
        with pytest.raises(StaleGeneration, match="no longer at generation 1"):
            tx.deployments.swap(seen, after)
    with stocked.read() as tx:
        assert tx.deployments.all() == [after]


def test_names_are_unique_and_unknown_ones_list_the_known(stocked: Store) -> None:
    with stocked.write() as tx:
        with pytest.raises(BadInput, match="already a deployment"):
            tx.deployments.add(created("tasks", "v2"))
        with pytest.raises(NotFound) as raised:
            tx.deployments.get("task")
    assert raised.value.known == ("tasks",)


def test_promotions_come_newest_first_and_once_a_generation(stocked: Store) -> None:
    with stocked.write() as tx:
        tx.deployments.add_promotion("tasks", "v1", 1, AT)
        tx.deployments.add_promotion("tasks", "v2", 4, AT)
    with stocked.read() as tx:
        assert tx.deployments.promotions("tasks") == [Promotion("v2", 4, AT), Promotion("v1", 1, AT)]
        assert tx.deployments.promotions("other") == []
    with pytest.raises(Conflict), stocked.write() as tx:
        tx.deployments.add_promotion("tasks", "v1", 4, AT)


def test_a_promotion_names_a_registered_release(stocked: Store) -> None:
    with pytest.raises(Conflict), stocked.write() as tx:
        tx.deployments.add_promotion("tasks", "v9", 2, AT)


def test_a_key_is_claimed_once_and_only_for_its_own_act(stocked: Store) -> None:
    with stocked.write() as tx:
        assert tx.deployments.claim_key("k", "olga", "freeze", "tasks", AT)
    with stocked.write() as tx:
        assert not tx.deployments.claim_key("k", "olga", "freeze", "tasks", AT)
        for other in (
            ("anna", "freeze", "tasks"),
            ("olga", "unfreeze", "tasks"),
            ("olga", "freeze", "others"),
        ):
            with pytest.raises(IdempotencyReuse, match="'k'"):
                tx.deployments.claim_key("k", *other, AT)
