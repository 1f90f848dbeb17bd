"""Conversations that ask some documents alone, on an open connection. Only the numbers of documents are kept."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, insert, select

from rag_app.library import schema
from rag_app.records import AskedDocuments

_asked = schema.conversation_documents.c


def put_asked(connection: Connection, conversation_id: str, documents: Iterable[int]) -> None:
    """Let a conversation ask these documents alone from now on; without any, it asks all."""
    connection.execute(delete(schema.conversation_documents).where(_asked.conversation_id == conversation_id))
    rows = [{"conversation_id": conversation_id, "document_id": number} for number in sorted(set(documents))]
    if rows:
        connection.execute(insert(schema.conversation_documents), rows)


def find_asked(connection: Connection, conversation_id: str) -> AskedDocuments | None:
    """Return the documents that a conversation asks alone; None where it asks all."""
    living = schema.documents.c.id
    statement = select(_asked.document_id, living.is_not(None))
    statement = statement.join_from(
        schema.conversation_documents, schema.documents, living == _asked.document_id, isouter=True
    )
    found = connection.execute(statement.where(_asked.conversation_id == conversation_id)).all()
    if not found:
        return None
    still_there = tuple(number for number, is_there in found if is_there)
    return AskedDocuments(still_there, removed=len(found) - len(still_there))
