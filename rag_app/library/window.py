"""Which of the kept turns are looked at."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Select, Table, select

from rag_app.library import schema

_named = schema.turn_documents.c

_Row = TypeVar("_Row", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Window:
    """The turns that were asked since a time, and whose answer read documents of a collection; all where None.

    Of a turn without passages, and of one whose documents have been removed, no collection is known.
    """

    since: datetime | None = None
    collection: str | None = None


def within_window(statement: Select[_Row], window: Window, table: Table = schema.turns) -> Select[_Row]:
    """Return a statement for the turns in a window alone; ``table``, which it is over, knows when they were asked."""
    turn_id = table.c.id if table is schema.turns else table.c.turn_id
    if window.since is not None:
        statement = statement.where(table.c.asked_at >= window.since.astimezone(UTC).replace(tzinfo=None))
    if window.collection is not None:
        read = select(_named.turn_id).join(schema.documents, schema.documents.c.id == _named.document_id)
        read = read.join(schema.collections).where(schema.collections.c.name == window.collection)
        statement = statement.where(turn_id.in_(read))
    return statement
