"""Migrations lead from nothing to exactly the tables that the program declares."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, MetaData, inspect, text
from sqlmodel import SQLModel

import aftertune.records  # noqa: F401  (declares the tables)
from aftertune.audit import GENESIS, chain, verify
from aftertune.deployments import created
from aftertune.errors import Conflict
from aftertune.migrations import upgrade
from aftertune.store import Store
from tests.aftertune.samples import AT, release

ROOT = Path(__file__).parents[3]
UPGRADER = """
import sys
from aftertune.migrations import upgrade
from aftertune.store import Store

store = Store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
upgrade(store.engine)
store.close()
"""


@pytest.fixture
def empty(empty_url: str) -> Iterator[Store]:
    store = Store(empty_url)
    yield store
    store.close()


def revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_an_empty_database_becomes_what_the_records_declare(empty: Store) -> None:
    upgrade(empty.engine)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        difference = compare_metadata(context, SQLModel.metadata)
    assert difference == [], "records.py and the migrations differ: write a migration"


def test_constraints_that_alembic_does_not_compare_are_there(empty: Store) -> None:
    upgrade(empty.engine)
    inspector = inspect(empty.engine)
    for table in SQLModel.metadata.sorted_tables:
        declared = {str(c.name) for c in table.constraints if type(c).__name__ == "CheckConstraint"}
        assert {c["name"] for c in inspector.get_check_constraints(table.name)} == declared, table.name
        keys = {column.name for column in table.primary_key}
        assert set(inspector.get_pk_constraint(table.name)["constrained_columns"]) == keys, table.name
    assert [c["name"] for c in inspector.get_check_constraints("approvals")] == ["requester_may_not_approve"]


def test_upgrading_twice_changes_nothing_and_keeps_the_rows(store: Store) -> None:
    with store.write() as tx:
        tx.releases.add(release("v1"))
    before = revision(store.engine)
    upgrade(store.engine)
    assert revision(store.engine) == before
    with store.read() as tx:
        assert tx.releases.all() == [release("v1")]


def test_a_database_of_a_newer_program_is_refused_and_left_alone(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Conflict, match="revision 9999") as raised:
        upgrade(store.engine)
    assert "newer" in raised.value.remedy
    assert revision(store.engine) == "9999"


def test_a_migration_that_breaks_off_leaves_nothing(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", _break_off)
        with pytest.raises(RuntimeError, match="broke off"):
            upgrade(empty.engine)
    assert set(inspect(empty.engine).get_table_names()) <= {"alembic_version"}
    upgrade(empty.engine)
    assert "audit" in inspect(empty.engine).get_table_names()


def _break_off(*_: object) -> None:
    raise RuntimeError("broke off")


def test_programs_that_start_together_upgrade_once(empty: Store) -> None:
    command = [sys.executable, "-c", UPGRADER, empty.engine.url.render_as_string(hide_password=False)]
    programs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    for program in programs:
        program.communicate(timeout=60)
    assert [program.returncode for program in programs] == [0] * len(programs)
    assert revision(empty.engine) is not None


def test_rows_of_the_previous_schema_stay(empty: Store) -> None:
    upgrade(empty.engine, "0001")
    rows = previous_rows(empty.engine)
    upgrade(empty.engine)
    assert revision(empty.engine) == "0004"
    after = MetaData()
    after.reflect(empty.engine)
    with empty.engine.connect() as connection:
        for name, kept in rows.items():
            assert [tuple(row) for row in connection.execute(after.tables[name].select())] == kept, name
    large = 3 * 2**31
    with empty.write() as tx:
        assert verify(tx.audit.entries()).entries == 1
        assert tx.deployments.get("tasks").stable == "v1"
        assert tx.releases.get("v1") == release("v1")
        assert tx.exchanges.position("router-1", "0001.spool") == 4096
        tx.exchanges.set_position("router-1", "0001.spool", large)
    with empty.read() as tx:
        assert tx.exchanges.position("router-1", "0001.spool") == large


def previous_rows(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """What a program of revision 0001 wrote; a release that it registered names no suites."""
    known = release("v1").model_dump(mode="json")
    older = {name: value for name, value in known.items() if name not in ("suites", "waived_suites")}
    deployment = created("tasks", "v1")
    first = chain(GENESIS, 1, AT, "olga", "create", "tasks", {"after": deployment.model_dump(mode="json")})
    rows: dict[str, dict[str, object]] = {
        "releases": {"id": "v1", "state": "ready", "created_at": AT, "body": older},
        "deployments": {"name": "tasks", "generation": 1, "body": deployment.model_dump(mode="json")},
        "promotions": {"id": 1, "deployment": "tasks", "release": "v1", "generation": 1, "at": AT},
        "audit": first.model_dump(),
        "spool_positions": {"router": "router-1", "segment": "0001.spool", "next_offset": 4096},
    }
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for name, row in rows.items():
            connection.execute(tables.tables[name].insert(), row)
        return {
            name: [tuple(found) for found in connection.execute(tables.tables[name].select())]
            for name in rows
        }
