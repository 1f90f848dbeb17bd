"""Bring a database to the schema that this version reads and writes."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from rag_app.errors import LibraryError, SchemaTooNew

# alembic is imported where it is used: it takes a third of a second, and a library is mostly of the current schema.
if TYPE_CHECKING:
    from alembic.config import Config

CURRENT = "0006"
"""The newest step in ``migrations/versions``; kept here so that opening a current library need not look."""


def schema_of(connection: Connection, file: Path) -> str | None:
    """Return the schema's revision, or None when the database is still empty.

    Raises:
        LibraryError: the database has tables, but no library's.
    """
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return version
    if tables:
        raise LibraryError(
            f"{file} is a database of another program (its tables: {', '.join(tables[:5])}). "
            "Name another file for the library."
        )
    return None


def require_known(version: str | None, file: Path) -> None:
    """Refuse a schema that only a newer version can read.

    Raises:
        SchemaTooNew: it is one.
    """
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaTooNew(
            f"{file} was written by a newer version of rag_app (schema {version}; this one knows up to {CURRENT}). "
            "Upgrade rag_app, or set RAG_APP_HOME to another folder and ingest there."
        )


def upgrade(connection: Connection) -> None:
    """Create or upgrade the schema in the connection's transaction, so that it is whole or not at all."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "rag_app.library:migrations")
    return config
