"""Alembic's entry: runs on the engine that `upgrade` hands over."""

from alembic import context
from sqlmodel import SQLModel

import aftertune.records  # noqa: F401  (declares the tables)

engine = context.config.attributes["engine"].execution_options(aftertune_write=True)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
