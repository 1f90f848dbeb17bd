"""Read and write documents and chunks on an open connection. Transactions are the caller's."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, bindparam, delete, func, select, update

from rag_app.errors import NotFound, PathTaken
from rag_app.library import schema
from rag_app.library.embedded import content_hash
from rag_app.records import Chunk, Document, Hit, Passage, Scope, contextual_text

_Row = TypeVar("_Row", bound=tuple[Any, ...])

_documents, _chunks, _collections = schema.documents.c, schema.chunks.c, schema.collections.c
_texts = schema.document_texts.c

KEPT_WITH_A_DOCUMENT = (
    schema.document_texts,
    schema.document_versions,
    schema.document_boxes,
    schema.signatures,
)
"""The tables that hold something of a document beside its chunks."""

# In the order of a Document's fields, because naming them takes half of the time of a long list.
_DOCUMENT = (
    *(_documents[name] for name in ("id", "name", "path", "root")),
    _collections.name.label("collection"),
    *(_documents[name] for name in ("sha256", "size", "mtime_ns", "title", "version", "pages")),
    select(func.count(_chunks.id)).where(_chunks.document_id == _documents.id).scalar_subquery().label("chunks"),
    *(_documents[name] for name in ("ingested_at", "format", "notes", "settled", "reading")),
)
_CHUNK = tuple(_chunks[name] for name in "id document_id ordinal start end page heading text".split())


def move_document(connection: Connection, document: Document, values: dict[str, Any]) -> None:
    """Give a document another name and place; raises PathTaken where another document is there already."""
    there = select(_documents.id).join_from(schema.documents, schema.collections)
    there = there.where(_collections.name == document.collection, _documents.path == values["path"])
    taken = connection.scalar(there.where(_documents.id != document.id))
    if taken is not None:
        raise PathTaken(
            f"{document.name} cannot be moved to {values['path']}, which is document {taken} of the same collection. "
            f"Remove that one first with 'rag-app documents remove {taken}'."
        )
    connection.execute(update(schema.documents).where(_documents.id == document.id).values(values))


def retitle_document(connection: Connection, document_id: int, title: str) -> None:
    """Give a document another title, by which it is found from now on; its vectors stay those of the old one."""
    connection.execute(update(schema.documents).where(_documents.id == document_id).values(title=title))
    columns = (_chunks.id, _chunks.heading, _chunks.text)
    rows = connection.execute(select(*columns).where(_chunks.document_id == document_id)).all()
    anew = update(schema.chunks).where(_chunks.id == bindparam("chunk"))
    values = [{"chunk": r.id, "hash": content_hash(contextual_text(title, r.heading, r.text))} for r in rows]
    if values:
        connection.execute(anew.values(title=title, content_hash=bindparam("hash")), values)


def reroot_documents(connection: Connection, moved: Sequence[Document]) -> None:
    """Give documents the paths, roots and times that they have here."""
    anew = update(schema.documents).prefix_with("OR IGNORE").where(_documents.id == bindparam("document"))
    names = ("path", "root", "mtime_ns")
    rows = [{"document": d.id} | {f"new_{name}": getattr(d, name) for name in names} for d in moved]
    connection.execute(anew.values({name: bindparam(f"new_{name}") for name in names}), rows)


def remove_document(connection: Connection, document_id: int) -> None:
    """Delete a document with all that is kept of it, and its collection when nothing else is in it."""
    # Chunks first and by name, because only then do their triggers run before the row they point to is gone.
    for table in (schema.chunks, *KEPT_WITH_A_DOCUMENT):
        connection.execute(delete(table).where(table.c.document_id == document_id))
    connection.execute(delete(schema.documents).where(_documents.id == document_id))
    used = select(_documents.collection_id)
    connection.execute(delete(schema.collections).where(_collections.id.not_in(used)))


def find_document(connection: Connection, document_id: int) -> Document:
    """Return a document.

    Raises:
        NotFound: the library has no such document.
    """
    found = _select_documents().where(_documents.id == document_id)
    row = connection.execute(found).one_or_none() if schema.fits_a_column(document_id) else None
    if row is None:
        raise _not_found(document_id)
    return _document(row)


def list_documents(connection: Connection, scope: Scope) -> list[Document]:
    """Return the documents in a scope, by collection and name."""
    rows = connection.execute(within(_select_documents(), scope).order_by(_collections.name, _documents.name))
    return [_document(row) for row in rows]


def list_twins(connection: Connection, sha256s: Iterable[str], collection: str) -> dict[str, Document]:
    """Return the newest document of a collection for each of the digests that one has."""
    same = _select_documents().where(_documents.sha256.in_(each(sha256s)), _collections.name == collection)
    rows = connection.execute(same.order_by(_documents.ingested_at, _documents.id))
    return {row.sha256: _document(row) for row in rows}


def list_chunks(connection: Connection, document_id: int) -> list[Chunk]:
    """Return the chunks of a document in their order."""
    rows = connection.execute(select(*_CHUNK).where(_chunks.document_id == document_id).order_by(_chunks.ordinal))
    return [_chunk(row) for row in rows]


def document_text(connection: Connection, document_id: int) -> str:
    """Return the extracted text of a document; raises NotFound."""
    kept = select(_texts.text).where(_texts.document_id == document_id)
    text = connection.scalar(kept) if schema.fits_a_column(document_id) else None
    if text is None:
        raise _not_found(document_id)
    return str(text)


def list_passages(connection: Connection, hits: Sequence[Hit]) -> list[Passage]:
    """Return what the hits found, ranked as they are given; without the chunks that are gone."""
    found = connection.execute(select(*_CHUNK).where(_chunks.id.in_(each(hit.chunk_id for hit in hits))))
    chunks = {row.id: _chunk(row) for row in found}
    owners = Scope(documents=tuple({chunk.document_id for chunk in chunks.values()}))
    documents = {document.id: document for document in list_documents(connection, owners)}
    living = [hit for hit in hits if hit.chunk_id in chunks]
    return [
        Passage(rank, hit.score, chunk := chunks[hit.chunk_id], documents[chunk.document_id])
        for rank, hit in enumerate(living, start=1)
    ]


def living_chunks(connection: Connection, ids: Iterable[int]) -> set[int]:
    """Return those of the ids that are chunks now."""
    return set(connection.scalars(select(_chunks.id).where(_chunks.id.in_(each(ids)))))


def chunk_ids(connection: Connection, scope: Scope) -> NDArray[np.int64]:
    """Return the ids of all chunks in a scope."""
    joined = select(_chunks.id).join_from(schema.chunks, schema.documents).join(schema.collections)
    return np.array(connection.scalars(within(joined, scope)).all(), dtype=np.int64)


def within(statement: Select[_Row], scope: Scope) -> Select[_Row]:
    """Restrict a statement that joins documents and collections to a scope."""
    if scope.collections is not None:
        statement = statement.where(_collections.name.in_(scope.collections))
    if scope.documents is not None:
        statement = statement.where(_documents.id.in_(each(scope.documents)))
    return statement


def each(ids: Iterable[int] | Iterable[str]) -> Select[tuple[Any]]:
    """Return numbers or digests as a subquery that may be of any length."""
    # One JSON parameter, because SQLite refuses statements with some ten thousands of them. Not for names: SQLite cuts
    # a JSON string off at its first NUL.
    return select(func.json_each(json.dumps(list(ids))).table_valued("value").c.value)


def _select_documents() -> Select[Any]:
    return select(*_DOCUMENT).join_from(schema.documents, schema.collections)


def _document(row: Row[Any]) -> Document:
    values: list[Any] = list(row)
    values[-3] = tuple(json.loads(values[-3])) if values[-3] != "[]" else ()
    values[-5] = values[-5].replace(tzinfo=UTC)
    return Document(*values)


def _chunk(row: Row[Any]) -> Chunk:
    return Chunk(**row._asdict())


def _not_found(document_id: int) -> NotFound:
    return NotFound(f"There is no document {document_id} in the library. See 'rag-app documents list'.")
