"""Write documents with their chunks on an open connection, several at once. Transactions are the caller's.

What a statement costs is mostly its own making, so that each is made once and run once for all documents.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from rag_app.library import schema
from rag_app.library.boxes import rows_of_boxes
from rag_app.library.embedded import content_hash
from rag_app.library.likeness import METHOD, signature_of
from rag_app.library.versions import put_version
from rag_app.records import NewDocument, contextual_text

_CHUNKS_AT_ONCE = 1000

_documents, _collections, _failures = schema.documents.c, schema.collections.c, schema.failures.c

_KNOWN = select(_documents.id, _documents.path, _documents.sha256, _documents.version).where(
    _documents.collection_id == bindparam("collection_id"), _documents.path.in_(bindparam("paths", expanding=True))
)
_NEW = insert(schema.documents).returning(_documents.id, _documents.path)
_TEXT = insert(schema.document_texts).prefix_with("OR REPLACE")
_BOXES = insert(schema.document_boxes)
_SIGNATURE = insert(schema.signatures).prefix_with("OR REPLACE")
_CHUNK = insert(schema.chunks)
_FAILURE = delete(schema.failures).where(
    _failures.collection == bindparam("of_collection"), _failures.path == bindparam("of_path")
)
_REPLACED = tuple(
    delete(table).where(table.c.document_id == bindparam("of_document"))
    for table in (schema.chunks, schema.document_boxes, schema.signatures)
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A document to be stored, with the vectors of its spans: shape (spans, dimensions).

    With ``over``, the version that is to be superseded (0 for none), a document of this very content is left as it is
    if it has another version: another program has been quicker.
    """

    document: NewDocument
    vectors: NDArray[np.float32]
    over: int | None = None


Known = dict[str, Row[Any, Any, Any, Any]]


def collection_id(connection: Connection, name: str) -> int | None:
    """Return the number of a collection, None where nothing is in it."""
    return connection.scalar(select(_collections.id).where(_collections.name == name))


def known_documents(connection: Connection, arrivals: Sequence[Arrival], collection: str) -> Known:
    """Return what is stored at the paths of the arrivals: id, hash and version, by path."""
    number = collection_id(connection, collection)
    if number is None:
        return {}
    paths = [arrival.document.path for arrival in arrivals]
    return {row.path: row for row in connection.execute(_KNOWN, {"collection_id": number, "paths": paths})}


def is_late(arrival: Arrival, known: Known) -> bool:
    """Say whether another program has stored this very content meanwhile."""
    row = known.get(arrival.document.path)
    if arrival.over is None or row is None:
        return False
    return bool(row.sha256 == arrival.document.sha256 and row.version != arrival.over)


def put_documents(
    connection: Connection, documents: Sequence[NewDocument], *, collection: str, known: Known, versions_kept: int
) -> tuple[list[int], list[str]]:
    """Write documents of different paths without their chunks; those that are ``known`` become versions.

    Returns:
        Their ids, and the texts of versions that are no longer kept.

    Raises:
        ValueError: a box is of no piece of its text.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    number = collection_id(connection, collection)
    if number is None:
        created = insert(schema.collections).values(name=collection).returning(_collections.id)
        number = connection.execute(created).scalar_one()
    ids = {path: int(row.id) for path, row in known.items()}
    dropped: list[str] = []
    rows: list[dict[str, Any]] = []
    for document in documents:
        values = _values(document) | {"ingested_at": now}
        if document.path in ids:
            dropped += _replace(connection, ids[document.path], values, versions_kept=versions_kept)
        else:
            rows.append(values | {"collection_id": number, "version": 1})
    if rows:
        ids |= {row.path: int(row.id) for row in connection.execute(_NEW, rows)}
    stored = [(ids[document.path], document) for document in documents]
    connection.execute(_TEXT, [{"document_id": i, "text": document.text} for i, document in stored])
    if boxes := [row for i, document in stored for row in rows_of_boxes(i, document)]:
        connection.execute(_BOXES, boxes)
    signatures = [
        {"document_id": i, "method": METHOD, "signature": signature_of(document.text)} for i, document in stored
    ]
    connection.execute(_SIGNATURE, signatures)
    connection.execute(_FAILURE, [{"of_collection": collection, "of_path": document.path} for document in documents])
    return [i for i, _ in stored], dropped


def put_chunks(
    connection: Connection, documents: Sequence[tuple[int, NewDocument]], *, blobs: Sequence[bytes], embedder: str
) -> None:
    """Write the chunks of documents, given by id: one for each span, whose vectors are ``blobs`` in their order."""
    vectors = iter(blobs)
    rows = chain.from_iterable(_chunks(i, document, vectors, embedder) for i, document in documents)
    while batch := list(islice(rows, _CHUNKS_AT_ONCE)):
        connection.execute(_CHUNK, batch)


def _chunks(
    document_id: int, document: NewDocument, vectors: Iterator[bytes], embedder: str
) -> Iterator[dict[str, Any]]:
    for ordinal, span in enumerate(document.spans):
        piece = document.text[span.start : span.end]
        yield {
            "document_id": document_id,
            "ordinal": ordinal,
            "start": span.start,
            "end": span.end,
            "page": span.page,
            "title": document.title,
            "heading": span.heading,
            "text": piece,
            "embedder": embedder,
            "vector": next(vectors),
            "content_hash": content_hash(contextual_text(document.title, span.heading, piece)),
        }


def _replace(connection: Connection, document_id: int, values: dict[str, Any], *, versions_kept: int) -> list[str]:
    dropped = put_version(connection, document_id, superseded_at=values["ingested_at"], kept=versions_kept)
    for statement in _REPLACED:
        connection.execute(statement, {"of_document": document_id})
    changed = update(schema.documents).where(_documents.id == document_id)
    connection.execute(changed.values(values | {"version": _documents.version + 1}))
    return dropped


def _values(document: NewDocument) -> dict[str, Any]:
    names = "path name root sha256 size mtime_ns title pages format".split()
    return {name: getattr(document, name) for name in names} | {"notes": json.dumps(document.notes), "settled": False}
