"""Receipts of removals. They name what was removed and hold nothing of its text."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select, text, update

from rag_app.library import schema
from rag_app.library.documents import each
from rag_app.library.erasing import DATABASE_FILE
from rag_app.records import Document, Receipt

_receipts = schema.receipts.c

_STORES: dict[str, tuple[Table, ...]] = {
    "documents": (schema.document_texts,),
    "versions": (schema.document_versions,),
    "positions": (schema.document_boxes,),
    "signatures": (schema.signatures,),
    "chunks": (schema.chunks,),
    "conversations": (schema.turn_documents,),
}


def put_receipt(connection: Connection, document: Document, *, versions: int, chunk_ids: Sequence[int]) -> Receipt:
    """Write the receipt of a document that has just been removed in the same transaction; return it."""
    receipt = Receipt(
        id=0,
        # Title and notes are made of the text: they can be its first heading, or the name of a sheet.
        document=replace(document, title="", notes=()),
        versions=versions,
        chunks=len(chunk_ids),
        removed_at=datetime.now(UTC),
        checked=_clean_stores(connection, document.id, chunk_ids),
    )
    values = {
        "document_id": document.id,
        "document": json.dumps(asdict(receipt.document) | {"ingested_at": document.ingested_at.isoformat()}),
        "versions": versions,
        "chunks": receipt.chunks,
        "removed_at": receipt.removed_at.replace(tzinfo=None),
        "checked": json.dumps(receipt.checked),
    }
    number = connection.scalar(insert(schema.receipts).values(values).returning(_receipts.id))
    return replace(receipt, id=int(number))


def add_checked(connection: Connection, receipts: Iterable[Receipt], stores: Sequence[str]) -> list[Receipt]:
    """Note on the receipts that these stores were found clean, too; return them."""
    added = [replace(r, checked=tuple(dict.fromkeys((*r.checked, *stores)))) for r in receipts]
    for receipt in added:
        noted = update(schema.receipts).where(_receipts.id == receipt.id).values(checked=json.dumps(receipt.checked))
        connection.execute(noted)
    return added


def list_receipts(connection: Connection) -> list[Receipt]:
    """Return all receipts, the oldest first."""
    return [_receipt(row) for row in connection.execute(select(schema.receipts).order_by(_receipts.id))]


def list_incomplete(connection: Connection) -> list[Receipt]:
    """Return the receipts of documents whose words may still be in the database file."""
    incomplete = select(schema.receipts).where(_receipts.checked.not_like(f'%"{DATABASE_FILE}"%'))
    return [_receipt(row) for row in connection.execute(incomplete.order_by(_receipts.id))]


def _clean_stores(connection: Connection, document_id: int, chunk_ids: Sequence[int]) -> tuple[str, ...]:
    clean = []
    for name, tables in _STORES.items():
        owned = (select(func.count()).select_from(t).where(t.c.document_id == document_id) for t in tables)
        if not any(connection.scalar(count) for count in owned):
            clean.append(name)
    pending = schema.pending_vectors.c.chunk_id
    if not connection.scalar(select(func.count(pending)).where(pending.in_(each(chunk_ids)))):
        clean.append("pending vectors")
    words = text("SELECT count(*) FROM chunk_words_docsize WHERE id IN (SELECT value FROM json_each(:ids))")
    if not connection.scalar(words, {"ids": json.dumps(list(chunk_ids))}):
        clean.append("words")
    return tuple(clean)


def _receipt(row: Row[Any]) -> Receipt:
    facts = json.loads(row.document)
    facts |= {"ingested_at": datetime.fromisoformat(facts["ingested_at"]), "notes": tuple(facts["notes"])}
    return Receipt(
        id=row.id,
        document=Document(**facts),
        versions=row.versions,
        chunks=row.chunks,
        removed_at=row.removed_at.replace(tzinfo=UTC),
        checked=tuple(json.loads(row.checked)),
    )
