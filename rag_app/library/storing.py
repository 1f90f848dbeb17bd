"""Write documents with their chunks on an open connection, several at once. Transactions are the caller's.

What a statement costs is mostly its own making, so that each is made once and run once for all documents.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from rag_app.library import schema
from rag_app.library.boxes import rows_of_boxes
from rag_app.library.embedded import content_hash
from rag_app.library.history import note_residue
from rag_app.library.likeness import METHOD, signature_of
from rag_app.library.versions import put_version
from rag_app.records import NewDocument, contextual_text

_CHUNKS_AT_ONCE = 1000

_documents, _collections, _failures = schema.documents.c, schema.collections.c, schema.failures.c

_KNOWN = select(_documents.id, _documents.path, _documents.sha256, _documents.version, _documents.reading).where(
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


Known = dict[str, Row[Any, Any, Any, Any, Any]]


@dataclass(slots=True)
class Written:
    """The ids of documents that were written; which of them keep their chunks; and the texts that are kept no more."""

    ids: dict[str, int]
    whole: set[str] = field(default_factory=set)
    dropped: list[str] = field(default_factory=list)


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
    if arrival.over is None or row is None or row.sha256 != arrival.document.sha256:
        return False
    return bool(row.version != arrival.over or row.reading == arrival.document.reading)


def put_documents(
    connection: Connection, documents: Sequence[NewDocument], *, collection: str, known: Known, versions_kept: int
) -> Written:
    """Write documents of different paths without their chunks. Those that are ``known`` become versions.

    A document of the same content that was only read in another way stays the version that it is, and keeps its
    chunks if they are the same.

    Raises:
        ValueError: a box is of no piece of its text.
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    number = collection_id(connection, collection)
    if number is None:
        created = insert(schema.collections).values(name=collection).returning(_collections.id)
        number = connection.execute(created).scalar_one()
    written = Written({path: int(row.id) for path, row in known.items()})
    rows: list[dict[str, Any]] = []
    for document in documents:
        values = _values(document) | {"ingested_at": now}
        before = known.get(document.path)
        if before is None:
            rows.append(values | {"collection_id": number, "version": 1})
        elif before.sha256 == document.sha256 and before.reading != document.reading:
            _renew(connection, before.id, document, written)
        else:
            written.dropped += _replace(connection, before.id, values, versions_kept=versions_kept)
    if rows:
        written.ids |= {row.path: int(row.id) for row in connection.execute(_NEW, rows)}
    stored = [(written.ids[document.path], document) for document in documents]
    connection.execute(_TEXT, [{"document_id": i, "text": document.text} for i, document in stored])
    if boxes := [row for i, document in stored for row in rows_of_boxes(i, document)]:
        connection.execute(_BOXES, boxes)
    signatures = [
        {"document_id": i, "method": METHOD, "signature": signature_of(document.text)} for i, document in stored
    ]
    connection.execute(_SIGNATURE, signatures)
    connection.execute(_FAILURE, [{"of_collection": collection, "of_path": document.path} for document in documents])
    return written


def put_chunks(
    connection: Connection,
    documents: Sequence[NewDocument],
    *,
    ids: Mapping[str, int],
    blobs: Mapping[str, Sequence[bytes]],
    embedder: str,
) -> None:
    """Write the chunks of documents, one for each span; ids and vectors are given by path."""
    rows = chain.from_iterable(_chunks(ids[d.path], d, blobs[d.path], embedder) for d in documents)
    while batch := list(islice(rows, _CHUNKS_AT_ONCE)):
        connection.execute(_CHUNK, batch)


def _chunks(document_id: int, document: NewDocument, blobs: Sequence[bytes], embedder: str) -> Iterator[dict[str, Any]]:
    for ordinal, (span, vector) in enumerate(zip(document.spans, blobs, strict=True)):
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
            "vector": vector,
            "content_hash": content_hash(contextual_text(document.title, span.heading, piece)),
        }


def _replace(connection: Connection, document_id: int, values: dict[str, Any], *, versions_kept: int) -> list[str]:
    dropped = put_version(connection, document_id, superseded_at=values["ingested_at"], kept=versions_kept)
    for statement in _REPLACED:
        connection.execute(statement, {"of_document": document_id})
    changed = update(schema.documents).where(_documents.id == document_id)
    connection.execute(changed.values(values | {"version": _documents.version + 1}))
    return dropped


def _renew(connection: Connection, document_id: int, document: NewDocument, written: Written) -> None:
    """Let a document be what is now read of its content."""
    chunks, texts = schema.chunks.c, schema.document_texts.c
    before = connection.scalar(select(texts.text).where(texts.document_id == document_id))
    columns = (chunks.start, chunks.end, chunks.page, chunks.heading, chunks.title)
    spans = connection.execute(select(*columns).where(chunks.document_id == document_id).order_by(chunks.ordinal))
    same = [(s.start, s.end, s.page, s.heading, document.title) for s in document.spans] == [tuple(s) for s in spans]
    if before == document.text and same:
        written.whole.add(document.path)
    elif before is not None and before != document.text:
        note_residue(connection)
        written.dropped.append(before)
    for statement in _REPLACED[1:] if document.path in written.whole else _REPLACED:
        connection.execute(statement, {"of_document": document_id})
    connection.execute(update(schema.documents).where(_documents.id == document_id).values(_values(document)))


def _values(document: NewDocument) -> dict[str, Any]:
    names = "path name root sha256 size mtime_ns title pages format reading".split()
    return {name: getattr(document, name) for name in names} | {"notes": json.dumps(document.notes), "settled": False}
