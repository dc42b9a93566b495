"""The schema's history (Alembic). `upgrade` brings a database to the newest revision."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from aftertune.errors import Conflict
from aftertune.store.database import translated

_HERE = Path(__file__).parent


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run every missing migration; programs that do so together take turns.

    Raises Conflict when the database is newer than this program, Unavailable when it does not answer.
    """
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    config.attributes["engine"] = engine
    with translated():
        with engine.connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in known:
            raise Conflict(
                f"The database is at revision {found}, which this version of Aftertune does not know.",
                "Start the version that wrote it, or a newer one.",
            )
        command.upgrade(config, revision)
