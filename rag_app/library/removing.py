"""Remove documents, then take their words off the disk and write down where they were looked for."""

import logging
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, select

from rag_app.errors import LibraryError
from rag_app.library import schema
from rag_app.library.cached_index import CachedIndex
from rag_app.library.conversations import redact_documents
from rag_app.library.database import Database
from rag_app.library.documents import find_document, remove_document
from rag_app.library.erasing import erase, probes_of, residue
from rag_app.library.failures import remove_failure
from rag_app.library.feedback import forget_words
from rag_app.library.history import begin_revision, note_residue, state_of
from rag_app.library.receipts import add_checked, list_incomplete, put_receipt
from rag_app.library.versions import version_texts
from rag_app.records import Receipt

log = logging.getLogger(__name__)

_texts = schema.document_texts.c

VECTOR_INDEX = "vector index"
MOST_PROBES = 48
"""Pieces of text that are looked for after one removal of many documents."""


def remove_documents(database: Database, index: CachedIndex, ids: Sequence[int]) -> list[Receipt]:
    """Remove documents in one transaction, or none of them; return a receipt for each.

    If another program keeps the files from being cleaned, the documents are gone all the same; their receipts then
    name fewer stores, and the files are cleaned when the library is closed.

    Raises:
        NotFound: the library has no such document.
    """
    if not ids:
        return []
    probes: list[str] = []
    different = list(dict.fromkeys(ids))
    with database.writing() as connection:
        begin_revision(connection)
        # For all at once: to look through the feedback takes long where there is much of it.
        forget_words(connection, different, _all_texts(connection, different))
        receipts = []
        for document_id in different:
            probes += probes_of(_text_of(connection, document_id))
            receipts.append(_remove(connection, document_id))
        note_residue(connection)
    try:
        return _clean(database, index, receipts=receipts, probes=probes)
    except LibraryError as error:
        log.warning("What was removed is found no more, but not yet overwritten everywhere: %s", error)
        return receipts


def clean_up(database: Database, index: CachedIndex, *, probes: Sequence[str]) -> None:
    """Overwrite what earlier removals and dropped versions have left behind, if anything, and complete receipts.

    ``probes`` are of the versions that this process has dropped; what another left cannot be looked for.
    """
    try:
        with database.reading() as connection:
            incomplete = list_incomplete(connection)
        if incomplete or residue(database):
            _clean(database, index, receipts=incomplete, probes=None if incomplete else probes or None)
    except LibraryError as error:
        log.warning("Words of what was removed may still be on the disk, until the library is closed again: %s", error)


def _clean(
    database: Database, index: CachedIndex, *, receipts: Sequence[Receipt], probes: Sequence[str] | None
) -> list[Receipt]:
    _clean_index(database, index)
    # To look for a lot takes longer than to write the file anew.
    sought = None if probes is None or len(probes) > MOST_PROBES else probes
    checked = [VECTOR_INDEX, *erase(database, sought)]
    with database.writing() as connection:
        return add_checked(connection, receipts, checked)


def _all_texts(connection: Connection, ids: Sequence[int]) -> Iterator[str]:
    """Yield what documents say and what their versions said, one text at a time."""
    for document_id in ids:
        yield _text_of(connection, document_id)
        yield from version_texts(connection, document_id)


def _text_of(connection: Connection, document_id: int) -> str:
    return connection.scalar(select(_texts.text).where(_texts.document_id == document_id)) or ""


def _remove(connection: Connection, document_id: int) -> Receipt:
    document = find_document(connection, document_id)
    versions = select(func.count()).where(schema.document_versions.c.document_id == document_id)
    kept = connection.scalar(versions) or 0
    chunk_ids = connection.scalars(select(schema.chunks.c.id).where(schema.chunks.c.document_id == document_id)).all()
    remove_document(connection, document_id)
    redact_documents(connection, [document_id])
    remove_failure(connection, document.collection, document.path)
    return put_receipt(connection, document, versions=kept, chunk_ids=chunk_ids)


def _clean_index(database: Database, index: CachedIndex) -> None:
    """Bring the saved index to a state without what was removed."""
    with index.lock:
        index.take_better()
        index.clean_next()
        with database.reading() as connection:
            state = state_of(connection)
            if state.embedder is not None and state.dimensions is not None:
                index.at(connection, state)
        index.save()
