"""Alembic's entry: runs on the engine that `upgrade` hands over."""

from alembic import context
from sqlalchemy import text
from sqlmodel import SQLModel

import aftertune.records  # noqa: F401  (declares the tables)
from aftertune.store import WRITERS_LOCK
from aftertune.store.database import WRITE
from aftertune.store.postgres import PostgresConnection

engine = context.config.attributes["engine"].execution_options(**{WRITE: True})
# One transaction over all revisions, that takes the writers' turn before it looks: programs that start together
# migrate once, and a migration that breaks off leaves nothing.
with engine.begin() as connection:
    driver = connection.connection.driver_connection
    if isinstance(driver, PostgresConnection):
        connection.detach()  # Closed afterwards, with what is set here: rewriting a large table takes its time.
        driver.silence_s = None
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITERS_LOCK})
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    context.run_migrations()
