"""What documents were before. Kept compressed to be looked up, never searched."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select

from rag_app.errors import NotFound
from rag_app.library import schema
from rag_app.library.history import note_residue
from rag_app.records import Version

_documents, _texts, _versions = schema.documents.c, schema.document_texts.c, schema.document_versions.c

_FACTS = tuple(_versions[name] for name in "number sha256 size title pages ingested_at superseded_at".split())


def put_version(connection: Connection, document_id: int, *, superseded_at: datetime, kept: int) -> list[str]:
    """Keep a document as it is now, before it is written over, and let the oldest versions beyond ``kept`` go.

    Returns:
        The texts that are kept no more.
    """
    facts = "sha256 size title pages ingested_at".split()
    row = connection.execute(
        select(*(_documents[name] for name in facts), _documents.version, _texts.text)
        .join_from(schema.documents, schema.document_texts)
        .where(_documents.id == document_id)
    ).one_or_none()
    if row is None:
        return []  # A damaged library may lack the text, and the new one then heals it.
    values = {name: getattr(row, name) for name in facts}
    if kept > 0:
        connection.execute(
            insert(schema.document_versions).values(
                document_id=document_id,
                number=row.version,
                superseded_at=superseded_at,
                text=zlib.compress(row.text.encode()),
                **values,
            )
        )
    older = delete(schema.document_versions).where(
        _versions.document_id == document_id, _versions.number <= row.version - kept
    )
    dropped = connection.scalars(older.returning(_versions.text)).all()
    texts = [zlib.decompress(text).decode() for text in dropped] if kept > 0 else [row.text]
    if texts:
        note_residue(connection)
    return texts


def list_versions(connection: Connection, document_id: int) -> list[Version]:
    """Return the superseded versions of a document, the oldest first."""
    rows = connection.execute(select(*_FACTS).where(_versions.document_id == document_id).order_by(_versions.number))
    return [
        Version(
            **row._asdict()
            | {name: row._mapping[name].replace(tzinfo=UTC) for name in ("ingested_at", "superseded_at")}
        )
        for row in rows
    ]


def version_text(connection: Connection, document_id: int, number: int) -> str:
    """Return the text of a version that was superseded.

    Raises:
        NotFound: it never was, or is no longer kept.
    """
    kept = select(_versions.text).where(_versions.document_id == document_id, _versions.number == number)
    compressed = connection.scalar(kept) if schema.fits_a_column(number) else None
    if compressed is None:
        raise NotFound(
            f"Version {number} of document {document_id} is not kept. See 'rag-app documents versions {document_id}'."
        )
    return zlib.decompress(compressed).decode()


def version_texts(connection: Connection, document_id: int) -> Iterator[str]:
    """Yield the texts of all superseded versions of a document."""
    kept = select(_versions.text).where(_versions.document_id == document_id)
    for compressed in connection.scalars(kept).all():
        yield zlib.decompress(compressed).decode()
