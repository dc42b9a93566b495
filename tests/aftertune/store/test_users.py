"""Users, tokens and signed-in browsers."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from aftertune.errors import BadInput, NotFound, Unauthenticated
from aftertune.identity import Permission, Role, token_hash
from aftertune.store import Store
from aftertune.values.route import KeyGrant
from tests.aftertune.samples import AT

LATER = AT + timedelta(hours=1)


def add(store: Store, name: str, *roles: Role) -> None:
    with store.write() as tx:
        tx.users.add(name, frozenset(roles), f"token-of-{name}", AT)


def test_a_token_leads_to_its_holder(store: Store) -> None:
    add(store, "olga", Role.OPERATOR, Role.VIEWER)
    with store.read() as tx:
        principal = tx.users.by_token("token-of-olga")
        (user,) = tx.users.all()
    assert (principal.name, principal.roles) == ("olga", frozenset({Role.OPERATOR, Role.VIEWER}))
    assert not principal.may(Permission.CONTROL)
    assert (user.name, user.created_at, user.disabled_at) == ("olga", AT, None)


def test_only_the_hash_of_a_token_is_stored(store: Store) -> None:
    add(store, "olga", Role.VIEWER)
    with store.engine.connect() as connection:
        stored = str(connection.execute(text("SELECT * FROM users")).all())
    assert "token-of-olga" not in stored
    assert token_hash("token-of-olga") in stored


@pytest.mark.parametrize("token", ["", "token-of-nobody", "token-of-olga "])
def test_other_tokens_lead_to_nobody(store: Store, token: str) -> None:
    add(store, "olga", Role.VIEWER)
    with store.read() as tx, pytest.raises(Unauthenticated):
        tx.users.by_token(token)


def test_a_name_is_given_once_and_never_without_a_role(store: Store) -> None:
    add(store, "olga", Role.VIEWER)
    with pytest.raises(BadInput, match="already a user 'olga'"):
        add(store, "olga", Role.ADMIN)
    with pytest.raises(BadInput, match="no role") as raised:
        add(store, "paul")
    assert "viewer" in raised.value.remedy
    with store.read() as tx:
        assert tx.users.count() == 1


def test_a_replaced_token_opens_nothing(store: Store) -> None:
    add(store, "olga", Role.VIEWER)
    with store.write() as tx:
        tx.users.open_session("olga", "cookie", "csrf", LATER)
        tx.users.replace_token("olga", "new-token")
    with store.read() as tx:
        with pytest.raises(Unauthenticated):
            tx.users.by_cookie("cookie", AT)
        assert tx.users.by_token("new-token").name == "olga"
        with pytest.raises(Unauthenticated):
            tx.users.by_token("token-of-olga")


def test_a_disabled_user_is_out_at_once(store: Store) -> None:
    add(store, "olga", Role.OPERATOR)
    with store.write() as tx:
        tx.users.open_session("olga", "cookie", "csrf", LATER)
        tx.users.disable("olga", AT)
    with store.read() as tx:
        with pytest.raises(Unauthenticated):
            tx.users.by_token("token-of-olga")
        with pytest.raises(Unauthenticated):
            tx.users.by_cookie("cookie", AT)
        assert tx.users.chat_keys() == {}
        assert tx.users.all()[0].disabled_at == AT


def test_acts_on_an_unknown_user_list_the_known(store: Store) -> None:
    add(store, "olga", Role.VIEWER)
    with store.write() as tx, pytest.raises(NotFound, match="no user 'paul'") as raised:
        tx.users.disable("paul", AT)
    assert raised.value.known == ("olga",)


def test_chat_keys_are_those_of_people_who_may_chat(store: Store) -> None:
    add(store, "olga", Role.OPERATOR)
    add(store, "app", Role.INGEST)
    add(store, "vera", Role.VIEWER)
    with store.read() as tx:
        keys = tx.users.chat_keys()
    assert keys == {
        token_hash("token-of-olga"): KeyGrant(name="olga"),
        token_hash("token-of-app"): KeyGrant(name="app"),
    }


def test_a_session_lasts_until_its_end_or_until_it_is_closed(store: Store) -> None:
    add(store, "olga", Role.VIEWER)
    with store.write() as tx:
        tx.users.open_session("olga", "cookie", "csrf", LATER)
        tx.users.open_session("olga", "other", "csrf-2", LATER)
    with store.read() as tx:
        signed_in = tx.users.by_cookie("cookie", LATER - timedelta(microseconds=1))
        assert (signed_in.principal.name, signed_in.csrf_token) == ("olga", "csrf")
        with pytest.raises(Unauthenticated):
            tx.users.by_cookie("cookie", LATER)
        with pytest.raises(Unauthenticated):
            tx.users.by_cookie("forged", AT)
    with store.write() as tx:
        tx.users.close_session("cookie")
    with store.read() as tx:
        with pytest.raises(Unauthenticated):
            tx.users.by_cookie("cookie", AT)
        assert tx.users.by_cookie("other", AT).csrf_token == "csrf-2"
