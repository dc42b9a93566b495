"""Keys of applications: only the hash is kept, a name means one holder, an end is an end."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from aftertune.errors import BadInput, Conflict, NotFound, Unauthenticated
from aftertune.identity import Role, token_hash
from aftertune.store import Store
from aftertune.values.api_key import ApiKey
from aftertune.values.route import KeyGrant
from tests.aftertune.samples import AT

LATER = AT + timedelta(hours=1)


def key(name: str = "app", expires_at: datetime | None = None, **limits: Any) -> ApiKey:
    return ApiKey(
        grant=KeyGrant(name=name, **limits), created_by="admin", created_at=AT, expires_at=expires_at
    )


def add(store: Store, added: ApiKey) -> None:
    with store.write() as tx:
        tx.api_keys.add(added, f"token-of-{added.name}")


def granted(store: Store, at: datetime) -> dict[str, KeyGrant]:
    with store.read() as tx:
        return tx.api_keys.grants(at)


def test_a_key_is_granted_what_it_was_given(store: Store) -> None:
    given = key(deployments=("tasks",), requests_a_minute=60, tokens_a_minute=1000, concurrency=2)
    add(store, given)
    assert granted(store, AT) == {token_hash("token-of-app"): given.grant}
    with store.read() as tx:
        assert tx.api_keys.get("app") == given
        assert tx.api_keys.all() == [given]


def test_only_the_hash_of_a_token_is_stored(store: Store) -> None:
    add(store, key())
    with store.engine.connect() as connection:
        stored = str(connection.execute(text("SELECT * FROM api_keys")).all())
    assert "token-of-app" not in stored
    assert token_hash("token-of-app") in stored


def test_a_token_leads_to_its_key_while_it_is_valid(store: Store) -> None:
    add(store, key(expires_at=LATER))
    with store.read() as tx:
        assert tx.api_keys.by_token("token-of-app", AT) == key().grant
        assert tx.api_keys.by_token("token-of-app", LATER) is None
        assert tx.api_keys.by_token("token-of-nobody", AT) is None
    with store.write() as tx:
        tx.api_keys.revoke("app", "admin", AT)
        assert tx.api_keys.by_token("token-of-app", AT) is None


def test_a_key_is_no_user(store: Store) -> None:
    add(store, key())
    with store.read() as tx, pytest.raises(Unauthenticated):
        tx.users.by_token("token-of-app")


def test_keys_and_users_share_their_names(store: Store) -> None:
    with store.write() as tx:
        tx.users.add("olga", frozenset({Role.VIEWER}), "token-of-olga", AT)
    with pytest.raises(BadInput, match="already a user 'olga'"):
        add(store, key("olga"))
    add(store, key("app"))
    with pytest.raises(BadInput, match="already a key 'app'"):
        add(store, key("app"))
    with store.write() as tx, pytest.raises(BadInput, match="already a key 'app'"):
        tx.users.add("app", frozenset({Role.VIEWER}), "t", AT)


def test_the_name_of_a_revoked_key_is_not_given_again(store: Store) -> None:
    add(store, key())
    with store.write() as tx:
        assert tx.api_keys.revoke("app", "admin", AT)
    with pytest.raises(BadInput, match="already a key"):
        add(store, key())


def test_a_key_ends_at_its_moment(store: Store) -> None:
    add(store, key(expires_at=LATER))
    assert granted(store, LATER - timedelta(microseconds=1))
    assert not granted(store, LATER)
    with store.write() as tx, pytest.raises(Conflict, match="has expired"):
        tx.api_keys.change(key(expires_at=LATER + timedelta(days=1)), LATER)


def test_a_change_takes_the_place_of_what_was(store: Store) -> None:
    add(store, key(requests_a_minute=60))
    changed = key(expires_at=LATER, tokens_a_minute=10)
    with store.write() as tx:
        tx.api_keys.change(changed, AT)
    assert list(granted(store, AT).values()) == [changed.granted]
    assert not granted(store, LATER)


def test_a_replaced_token_opens_nothing(store: Store) -> None:
    add(store, key())
    with store.write() as tx:
        tx.api_keys.replace_token("app", "new-token", AT)
    assert granted(store, AT) == {token_hash("new-token"): key().grant}


def test_a_revocation_is_for_good_and_remembers_who(store: Store) -> None:
    add(store, key())
    with store.write() as tx:
        assert tx.api_keys.revoke("app", "ann", AT)
    with store.write() as tx:
        assert not tx.api_keys.revoke("app", "bob", LATER)
    with store.read() as tx:
        revoked = tx.api_keys.get("app")
    assert (revoked.revoked_by, revoked.revoked_at) == ("ann", AT)
    assert not granted(store, AT)
    with store.write() as tx:
        with pytest.raises(Conflict, match="was revoked"):
            tx.api_keys.replace_token("app", "t", LATER)
        with pytest.raises(Conflict, match="was revoked"):
            tx.api_keys.change(key(), LATER)


def test_an_unknown_name_lists_the_known_ones(store: Store) -> None:
    add(store, key())
    with store.read() as tx, pytest.raises(NotFound, match="Known: app"):
        tx.api_keys.get("other")
