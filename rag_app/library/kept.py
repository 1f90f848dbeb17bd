"""What is kept of documents beside their chunks: find what is wrong with it, and mend or drop it.

Nothing here can make a wrong text right. What can be made anew from what is sound is made anew, and what no longer
belongs to anything is dropped.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Table, bindparam, delete, func, not_, select, update

from rag_app.library import schema
from rag_app.library.boxes import unpacked_boxes
from rag_app.library.documents import KEPT_WITH_A_DOCUMENT
from rag_app.library.embedded import content_hash
from rag_app.library.history import begin_revision, note_residue
from rag_app.records import contextual_text

HEAL = "run 'rag-app rebuild'"
_BATCH = 1000
_SIGNATURE_BYTES = 512

_documents, _texts, _chunks = schema.documents.c, schema.document_texts.c, schema.chunks.c
_versions, _boxes, _signatures = schema.document_versions.c, schema.document_boxes.c, schema.signatures.c


@dataclass(frozen=True, slots=True)
class Damage:
    """A row that is wrong, and why."""

    table: Table
    key: dict[str, Any]
    detail: str


def find_damage(connection: Connection) -> Iterator[Damage]:
    """Yield every row that ``heal`` would mend or drop, but for those whose owner is gone."""
    yield from _wrong_hashes(connection)
    yield from _wrong_versions(connection)
    yield from _wrong_boxes(connection)
    yield from _wrong_signatures(connection)
    yield from _wrong_facts(connection)


def find_orphans(connection: Connection) -> Iterator[str]:
    """Yield what is kept of documents that are gone."""
    for table, rows in _orphans(connection):
        yield f"{table.name} keeps {rows} rows of documents that are gone; {HEAL}"
    unused = select(schema.collections.c.name).where(schema.collections.c.id.not_in(select(_documents.collection_id)))
    for name in connection.scalars(unused):
        yield f"the collection '{name}' holds no document; {HEAL}"


def heal(connection: Connection) -> None:
    """Mend or drop whatever the two above find, in the connection's transaction."""
    orphans = [table for table, _ in _orphans(connection)]
    damaged = list(find_damage(connection))
    if orphans or any(damage.table is not schema.chunks for damage in damaged):
        begin_revision(connection)
        note_residue(connection)
    for table in orphans:
        connection.execute(delete(table).where(_owner_of(table).not_in(_owners_of(table))))
    collections = schema.collections.c.id
    connection.execute(delete(schema.collections).where(collections.not_in(select(_documents.collection_id))))
    for damage in damaged:
        if damage.table is schema.documents:
            connection.execute(update(damage.table).where(_documents.id == damage.key["id"]).values(notes="[]"))
        elif damage.table is not schema.chunks:
            same = (damage.table.c[name] == value for name, value in damage.key.items())
            connection.execute(delete(damage.table).where(*same))
    _hash_anew(connection, [damage.key for damage in damaged if damage.table is schema.chunks])


def _wrong_hashes(connection: Connection) -> Iterator[Damage]:
    columns = (_chunks.id, _chunks.document_id, _chunks.title, _chunks.heading, _chunks.text, _chunks.content_hash)
    for rows in connection.execute(select(*columns), execution_options={"yield_per": _BATCH}).partitions():
        for row in rows:
            right = content_hash(contextual_text(row.title, row.heading, row.text))
            if row.content_hash != right:
                where = f"chunk {row.id} of document {row.document_id}"
                yield Damage(schema.chunks, {"chunk": row.id, "right": right}, f"{where} has the hash of another text")


def _wrong_versions(connection: Connection) -> Iterator[Damage]:
    kept = select(_versions.document_id, _versions.number, _versions.text, _documents.version)
    for row in connection.execute(kept.join_from(schema.document_versions, schema.documents)).mappings():
        where = f"version {row['number']} of document {row['document_id']}"
        if row["number"] >= row["version"]:
            yield _damage(row, schema.document_versions, f"{where} is not older than the document")
        elif not _is_readable(row["text"]):
            yield _damage(row, schema.document_versions, f"the text of {where} cannot be read")


def _wrong_boxes(connection: Connection) -> Iterator[Damage]:
    for document_id in connection.scalars(select(_boxes.document_id).distinct()).all():
        text = connection.scalar(select(_texts.text).where(_texts.document_id == document_id)) or ""
        kept = select(schema.document_boxes).where(_boxes.document_id == document_id)
        for row in connection.execute(kept).mappings():
            if reason := _wrong_places(row, len(text)):
                where = f"the positions on page {row['page']} of document {document_id}"
                yield _damage(row, schema.document_boxes, f"{where} {reason}")


def _wrong_signatures(connection: Connection) -> Iterator[Damage]:
    sound = func.length(_signatures.signature).in_([0, _SIGNATURE_BYTES])
    for row in connection.execute(select(schema.signatures).where(not_(sound))).mappings():
        yield _damage(row, schema.signatures, f"the signature of document {row['document_id']} has the wrong length")


def _wrong_facts(connection: Connection) -> Iterator[Damage]:
    for row in connection.execute(select(_documents.id, _documents.name, _documents.notes)):
        if not _is_list(row.notes):
            where = f"document {row.id} ({row.name})"
            yield Damage(schema.documents, {"id": row.id}, f"the notes on {where} are not readable")
    living = select(schema.receipts).where(schema.receipts.c.document_id.in_(select(_documents.id)))
    for row in connection.execute(living):
        detail = f"receipt {row.id} says that document {row.document_id} was removed, but it is there"
        yield Damage(schema.receipts, {"id": row.id}, detail)
    for row in connection.execute(select(schema.receipts)):
        if not _is_list(row.checked) or not _is_list(row.document, dict):
            yield Damage(schema.receipts, {"id": row.id}, f"receipt {row.id} is not readable")


def _wrong_places(row: RowMapping, length: int) -> str | None:
    try:
        lines = unpacked_boxes(row["boxes"])
    except (ValueError, TypeError, zlib.error):
        return "cannot be read"
    starts, ends = lines["start"], lines["end"]
    if not len(lines) or (starts < 0).any() or (starts >= ends).any() or (ends > length).any():
        return "lie outside of its text"
    if (int(starts.min()), int(ends.max())) != (row["start"], row["end"]):
        return f"are not those of characters {row['start']} to {row['end']}"
    return None


def _is_readable(compressed: bytes) -> bool:
    try:
        zlib.decompress(compressed).decode()
    except (ValueError, TypeError, zlib.error):
        return False
    return True


def _is_list(text: str, kind: type = list) -> bool:
    try:
        return isinstance(json.loads(text), kind)
    except (ValueError, TypeError):
        return False


def _damage(row: RowMapping, table: Table, detail: str) -> Damage:
    return Damage(table, {column.name: row[column.name] for column in table.primary_key}, detail)


def _orphans(connection: Connection) -> Iterator[tuple[Table, int]]:
    for table in (schema.chunks, *KEPT_WITH_A_DOCUMENT, schema.pending_vectors):
        orphans = select(func.count()).select_from(table).where(_owner_of(table).not_in(_owners_of(table)))
        if rows := connection.scalar(orphans):
            yield table, rows


def _owner_of(table: Table) -> Any:
    return table.c.chunk_id if table is schema.pending_vectors else table.c.document_id


def _owners_of(table: Table) -> Any:
    return select(_chunks.id) if table is schema.pending_vectors else select(_documents.id)


def _hash_anew(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        anew = update(schema.chunks).where(_chunks.id == bindparam("chunk"))
        connection.execute(anew.values(content_hash=bindparam("right")), list(rows))
