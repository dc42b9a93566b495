"""What is PostgreSQL's own: addresses and passwords, text it refuses, silence, announcements."""

import logging
import signal
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from aftertune.deployments import commit, created, frozen
from aftertune.errors import BadInput, Conflict, NotFound, Unavailable
from aftertune.identity import Role
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.store.notify import ANNOUNCED, Announcements
from aftertune.store.postgres import PostgresConnection, escaped, unescaped
from aftertune.values.deployment import Act
from aftertune.values.route import KeyGrant, RoutingTable
from tests.aftertune.samples import AT, exchange, release, scores
from tests.postgres import PASSWORD, Postgres, running

HOSTILE = 'NUL \0, the escape \ue000, both \ue0000\0, "quoted", emoji 🛠, \u202e'


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """One that may be stopped."""
    with running() as server:
        yield server


@pytest.fixture
def own_store(own_server: Postgres) -> Iterator[Store]:
    name = own_server.create_database()
    store = Store(own_server.url(name))
    upgrade(store.engine)
    yield store
    store.close()


def look(store: Store) -> None:
    with store.read() as tx:
        tx.users.count()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_common_scheme_is_the_same_database(store_url: str, scheme: str) -> None:
    store = Store(scheme + store_url.removeprefix("postgresql"))
    look(store)
    assert store.engine.url.drivername == "postgresql+psycopg"
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://olga:se@cret@127.0.0.1/db",
        "postgresql://olga:secret@127.0.0.1:port/db",
        "mysql://olga:secret@127.0.0.1/db",
        "postgresql+psycopg2://olga:secret@127.0.0.1/db",
        "olga/secret@127.0.0.1",
        "secret",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(BadInput) as raised:
        Store(url)
    assert "cret" not in str(raised.value) or url == "secret"


def test_the_password_is_nowhere_said(
    postgres: Postgres, store: Store, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = PASSWORD[::-1].replace("/", "%2F")
    refused = Store(f"postgresql://postgres:{wrong}@127.0.0.1:{postgres.port}/postgres")
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(Unavailable, match="password authentication failed") as raised,
    ):
        look(refused)
    with caplog.at_level(logging.DEBUG):
        look(store)
    said = str(raised.value) + repr(raised.value.__cause__) + caplog.text + "".join(capfd.readouterr())
    said += repr(store.engine) + repr(store.engine.url)
    assert all(secret not in said for secret in (PASSWORD, PASSWORD[::-1], wrong))


def test_a_refused_row_quotes_no_value(store: Store) -> None:
    def twice() -> None:
        with store.write() as tx:
            tx.users.add("olga", frozenset({Role.VIEWER}), "the-token", AT)
            tx.users.add("anna", frozenset({Role.VIEWER}), "the-token", AT)

    with pytest.raises(Conflict, match="unique constraint") as raised:
        twice()
    assert "Key (" not in str(raised.value)


def test_a_database_without_tables_is_not_ready_yet(empty_url: str) -> None:
    store = Store(empty_url)
    with pytest.raises(Unavailable, match="users"):
        look(store)
    store.close()


@given(st.text(st.sampled_from("a0\0\ue000")) | st.text())
def test_any_text_comes_back_as_it_was(said: str) -> None:
    assert unescaped(escaped(said)) == said
    assert "\0" not in escaped(said)


@given(st.text(st.sampled_from("0\0\ue000")), st.text(st.sampled_from("0\0\ue000")))
def test_no_two_texts_are_stored_alike(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


def test_text_that_postgresql_refuses_is_stored_all_the_same(store: Store) -> None:
    hostile = exchange(HOSTILE, request_id=HOSTILE, conversation=HOSTILE, end_user=HOSTILE)
    with store.write() as tx:
        assert tx.exchanges.add(hostile, None, scores())
        tx.audit.append(AT, HOSTILE, "note", HOSTILE, {"said": HOSTILE})
        tx.deployments.claim_key(HOSTILE, "olga", "note", HOSTILE, AT)
    with store.read() as tx:
        assert tx.exchanges.get(HOSTILE) == hostile
        assert tx.exchanges.by_request(HOSTILE) == [hostile]
        assert tx.audit.latest(1, subject=HOSTILE)[0].actor == HOSTILE
        assert not tx.deployments.claim_key(HOSTILE, "olga", "note", HOSTILE, AT)


def test_a_server_that_falls_silent_is_given_up(
    own_server: Postgres, own_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(own_store)
    with monkeypatch.context() as patch:
        patch.setattr(PostgresConnection, "silence_s", 0.3)
        patch.setattr("aftertune.store.postgres._PARAMETERS", {"connect_timeout": "2"})
        started = time.monotonic()
        with own_server.silent(), pytest.raises(Unavailable):
            look(own_store)
        assert time.monotonic() - started < 25, "unpatched it takes longer than 30 s"
    look(own_store)


def test_a_server_that_was_away_is_used_again(own_server: Postgres, own_store: Store) -> None:
    look(own_store)
    own_server.stop(signal.SIGQUIT)
    for _ in range(3):
        with pytest.raises(Unavailable, match="does not answer"):
            look(own_store)
    with pytest.raises(Unavailable):
        upgrade(own_store.engine)
    own_server.start()
    look(own_store)
    with own_store.write() as tx:
        tx.audit.append(AT, "olga", "note", "tasks")


def test_a_commit_under_way_when_the_server_dies_is_whole_or_nothing(
    own_server: Postgres, own_store: Store
) -> None:
    def dies() -> None:
        with own_store.write() as tx:
            tx.releases.add(release("v1"))
            own_server.stop(signal.SIGQUIT)

    with pytest.raises(Unavailable):
        dies()
    own_server.start()
    with own_store.read() as tx, pytest.raises(NotFound):
        tx.releases.get("v1")


def test_a_writer_that_stands_still_gives_way_in_the_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aftertune.store._IDLE_WRITER", "200ms")
    with pytest.raises(Unavailable), store.write():  # noqa: PT012  (the block is the writer)
        with store.engine.connect() as other:
            gone = text(
                "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND datname = current_database()"
            )
            deadline = time.monotonic() + 60
            while other.execute(gone).scalar() and time.monotonic() < deadline:
                other.rollback()
        monkeypatch.undo()
        with store.write() as tx:
            tx.audit.append(AT, "anna", "note", "tasks")
    with store.read() as tx:
        assert [entry.actor for entry in tx.audit.entries()] == ["anna"]


def test_acts_are_announced_when_they_are_committed(store: Store) -> None:
    with store.announcements() as heard:
        assert heard.wait(0.0) == frozenset()
        with store.write() as tx:
            tx.releases.add(release("v1"))
            commit(tx, Act.CREATE, None, created("tasks", "v1"), actor="olga", at=AT)
        assert said(heard, 2) == {"deployments", "releases"}
        with store.write() as tx:
            before = tx.deployments.get("tasks")
            commit(tx, Act.FREEZE, before, frozen(before, "audit"), actor="olga", at=AT)
        assert said(heard) == {"deployments"}
        with store.write() as tx:
            tx.routing.publish(RoutingTable(revision=0, keys={"h": KeyGrant(name="olga")}), AT)
        assert said(heard) == {"routing_tables"}


def test_what_nobody_waits_for_is_not_announced(store: Store) -> None:
    def taken_back() -> None:
        with store.write() as tx:
            tx.releases.add(release("v1"))
            raise RuntimeError("taken back")

    with store.announcements() as heard:
        with store.write() as tx:
            tx.leases.acquire("controller", "here", AT, AT + timedelta(seconds=9))
            tx.exchanges.add(exchange(), None, scores())
            tx.audit.append(AT, "ingest", "note", "tasks")
        with pytest.raises(RuntimeError):
            taken_back()
        with store.read() as tx:
            tx.releases.all()
        assert heard.wait(0.3) == frozenset()
    assert "releases" in ANNOUNCED


def test_a_listener_hears_that_its_connection_is_lost(own_server: Postgres, own_store: Store) -> None:
    with own_store.announcements() as heard:
        own_server.stop()
        with pytest.raises(Unavailable):
            heard.wait(60.0)
    with pytest.raises(Unavailable), own_store.announcements():
        pass
    own_server.start()
    with own_store.announcements() as heard:
        assert heard.wait(0.0) == frozenset()


def said(heard: Announcements, tables: int = 1) -> set[str]:
    """What is announced, in one piece or in several, until it is so many tables."""
    found: set[str] = set()
    deadline = time.monotonic() + 60
    while len(found) < tables and time.monotonic() < deadline:
        found |= heard.wait(5.0)
    return found | heard.wait(0.0)
