"""The one-row state of a library and its revisions."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from rag_app.errors import EmbedderMismatch, LibraryError
from rag_app.library import schema

REVISIONS_KEPT = 1000
"""An index that is further behind is made anew, which costs hardly more than so long a catch-up."""


@dataclass(frozen=True, slots=True)
class State:
    """How often a library has changed (with that change's token), and which embedder made its vectors."""

    revision: int
    token: str
    embedder: str | None
    dimensions: int | None


def state_of(connection: Connection) -> State:
    """Read the state that the connection's transaction sees."""
    columns = schema.state.c
    row = connection.execute(
        select(columns.revision, schema.revisions.c.token, columns.embedder, columns.dimensions).join(
            schema.revisions, schema.revisions.c.number == columns.revision, isouter=True
        )
    ).one()
    return State(row.revision, row.token or "", row.embedder, row.dimensions)


def begin_revision(connection: Connection) -> None:
    """Count one more revision, under which the triggers log what the transaction changes from here on."""
    number = connection.scalar(
        update(schema.state).values(revision=schema.state.c.revision + 1).returning(schema.state.c.revision)
    )
    connection.execute(insert(schema.revisions).values(number=number, token=secrets.token_hex(16)))
    connection.execute(delete(schema.revisions).where(schema.revisions.c.number <= number - REVISIONS_KEPT))


def choose_embedder(connection: Connection, embedder: str, dimensions: int) -> None:
    """Make this the embedder of the library, all of whose vectors are its own."""
    connection.execute(update(schema.state).values(embedder=embedder, dimensions=dimensions))


def require_embedder(state: State, embedder: str | None, dimensions: int | None, file: Path) -> tuple[str, int]:
    """Return the library's embedder, which must be the given one.

    Raises:
        EmbedderMismatch: it is another; distances between the two would mean nothing.
        LibraryError: the library has none yet.
    """
    if state.embedder is None or state.dimensions is None:
        raise LibraryError(
            f"The library {file} is empty and has no embedder yet. Fill it with 'rag-app ingest FOLDER'."
        )
    if (state.embedder, state.dimensions) != (embedder, dimensions):
        raise EmbedderMismatch(
            f"The vectors in {file} were made by {state.embedder} ({state.dimensions} dimensions), not by "
            f"{embedder} ({dimensions} dimensions). Set RAG_APP_EMBEDDER to the first, "
            "or run 'rag-app rebuild' to embed everything again with the second."
        )
    return state.embedder, state.dimensions


def note_residue(connection: Connection) -> None:
    """Note that words of something that is removed may stay behind in free places, until they are erased there."""
    connection.execute(update(schema.state).values(residue=1))
