"""What a transaction promises: all or nothing, one writer at a time, plain errors."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.deployments import commit, created, frozen
from aftertune.errors import Conflict, Corrupt, StaleGeneration, Unavailable
from aftertune.store import Store
from aftertune.values.deployment import Act, Deployment
from tests.aftertune.samples import AT, exchange, release, rollout, scores


def deploy(store: Store) -> Deployment:
    deployment = created("tasks", "v1")
    with store.write() as tx:
        for name in ("v1", "v2"):
            tx.releases.add(release(name))
        commit(tx, Act.CREATE, None, deployment, actor="olga", at=AT)
    return deployment


def append_many(url: str, actor: str, times: int, ready: Event) -> None:
    store = Store(url)
    ready.set()
    for number in range(times):
        with store.write() as tx:
            tx.audit.append(AT, actor, "note", "tasks", {"number": number})
    store.close()


def test_nothing_of_a_failed_transaction_is_kept(store: Store) -> None:
    def half_done() -> None:
        with store.write() as tx:
            tx.releases.add(release())
            tx.audit.append(AT, "olga", "note", "v1")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half_done()
    with store.read() as tx:
        assert tx.releases.all() == []
        assert list(tx.audit.entries()) == []


def test_a_refused_row_takes_the_whole_transaction_with_it(store: Store) -> None:
    def refers_to_nothing() -> None:
        with store.write() as tx:
            tx.audit.append(AT, "olga", "note", "v9")
            tx.releases.quarantine("v9", "no such release", AT)

    with pytest.raises(Conflict, match="refused the change"):
        refers_to_nothing()
    with store.read() as tx:
        assert list(tx.audit.entries()) == []


def test_changes_in_a_read_are_thrown_away(store: Store) -> None:
    with store.read() as tx:
        tx.releases.add(release())
    with store.read() as tx:
        assert tx.releases.all() == []


def test_a_read_sees_one_moment(store: Store) -> None:
    with store.read() as reader:
        assert list(reader.audit.entries()) == []
        with store.write() as writer:
            writer.audit.append(AT, "olga", "note", "tasks")
        assert list(reader.audit.entries()) == []
    with store.read() as reader:
        assert len(list(reader.audit.entries())) == 1


def test_writers_in_threads_keep_one_chain(store: Store) -> None:
    def write(actor: int) -> None:
        for number in range(10):
            with store.write() as tx:
                tx.audit.append(AT, f"writer-{actor}", "note", "tasks", {"number": number})

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    with store.read() as tx:
        found = verify(tx.audit.entries())
    assert (found.ok, found.entries) == (True, 60)


def test_writers_in_processes_keep_one_chain(store: Store) -> None:
    url = store.engine.url.render_as_string(hide_password=False)
    context = get_context("spawn")
    ready = context.Event()
    writer = context.Process(target=append_many, args=(url, "writer-there", 30, ready))
    writer.start()
    assert ready.wait(60)
    append_many(url, "writer-here", 30, ready)
    writer.join(60)
    assert writer.exitcode == 0
    with store.read() as tx:
        entries = list(tx.audit.entries())
    assert verify(entries).ok
    assert len({(entry.actor, entry.body) for entry in entries}) == 60


def test_of_racing_acts_on_one_generation_exactly_one_wins(store: Store) -> None:
    seen = deploy(store)
    together = threading.Barrier(6)

    def act(person: int) -> str:
        together.wait(10)
        try:
            with store.write() as tx:
                commit(tx, Act.FREEZE, seen, frozen(seen, f"by {person}"), actor=f"person-{person}", at=AT)
        except StaleGeneration:
            return "stale"
        return f"by {person}"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(act, range(6)))
    winners = [outcome for outcome in outcomes if outcome != "stale"]
    with store.read() as tx:
        stored = tx.deployments.get("tasks")
        frozen_entries = tx.audit.latest(10, subject="tasks")
    assert winners == [stored.frozen]
    assert stored.generation == seen.generation + 1
    assert [entry.action for entry in frozen_entries] == ["freeze", "create"]


def test_read_modify_write_loses_no_update(store: Store) -> None:
    """Each writer reads the position inside its own transaction; a lost update would leave the sum short."""

    def add_one(_: int) -> None:
        with store.write() as tx:
            tx.exchanges.set_position("r", "s", tx.exchanges.position("r", "s") + 1)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add_one, range(40)))
    with store.read() as tx:
        assert tx.exchanges.position("r", "s") == 40


@pytest.mark.parametrize("verb", ["read", "write"])
def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path, verb: str) -> None:
    store = Store(f"sqlite:///{tmp_path / 'missing' / 'aftertune.db'}")

    def look() -> None:
        with getattr(store, verb)() as tx:
            tx.audit.latest(1)

    with pytest.raises(Unavailable, match="does not answer") as raised:
        look()
    assert raised.value.remedy


@pytest.mark.parametrize("verb", ["read", "write"])
def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path, verb: str) -> None:
    file = tmp_path / "aftertune.db"
    file.write_bytes(b"not a database " * 100)
    store = Store(f"sqlite:///{file}")

    def look() -> None:
        with getattr(store, verb)() as tx:
            tx.audit.latest(1)

    with pytest.raises(Corrupt, match="not a database"):
        look()
    store.close()


def insert_approval(connection: Connection, approver: str) -> None:
    connection.execute(
        text(
            "INSERT INTO approvals (rollout, plan, approver, requester, at)"
            " VALUES ('r1', 'p', :approver, 'olga', '2026-01-05')"
        ),
        {"approver": approver},
    )


def test_the_database_itself_refuses_a_requester_s_approval(store: Store) -> None:
    deploy(store)
    with store.write() as tx:
        tx.rollouts.add(rollout())
    with store.engine.begin() as connection:
        insert_approval(connection, "anna")
    with (
        store.engine.connect() as connection,
        pytest.raises(IntegrityError, match="requester_may_not_approve"),
    ):
        insert_approval(connection, "olga")


def test_times_come_back_aware_and_in_utc(store: Store, clock: ManualClock) -> None:
    clock.advance(0.000123)
    with store.write() as tx:
        tx.audit.append(clock.now(), "olga", "note", "tasks")
    with store.read() as tx:
        (entry,) = tx.audit.entries()
    assert entry.at == clock.now()
    assert entry.at.utcoffset() == clock.now().utcoffset()


def test_a_number_that_json_cannot_hold_is_our_mistake(store: Store) -> None:
    with pytest.raises(Exception, match="not JSON compliant"), store.write() as tx:
        tx.exchanges.add(exchange(), None, scores().model_copy(update={"latency_s": math.nan}))
