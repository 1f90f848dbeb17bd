"""Check a library against itself. Every finding names what is wrong, where, and where possible what heals it."""

from collections.abc import Callable, Iterator

import numpy as np
from sqlalchemy import Connection, func, select, text

from rag_app.errors import LibraryError, LibraryLocked, StorageFull
from rag_app.library import schema
from rag_app.library.cached_index import CachedIndex
from rag_app.library.database import Database
from rag_app.library.full_text import words_fit
from rag_app.library.history import state_of
from rag_app.library.kept import HEAL as _HEAL
from rag_app.library.kept import find_damage, find_orphans
from rag_app.library.vectors import unpacked
from rag_app.records import Problem, VerifyReport

_BATCH = 1000
_REPLACE = "run 'rag-app documents remove ID' for the document and ingest it again"

_documents, _chunks = schema.documents.c, schema.chunks.c

Check = Callable[[Database, CachedIndex], Iterator[str]]


def check_library(database: Database, index: CachedIndex) -> VerifyReport:
    """Run all checks, each on one state of the database, and report what they found.

    Raises:
        LibraryLocked: another program holds the database.
    """
    problems: list[Problem] = []
    for kind, check in _CHECKS.items():
        try:
            problems += [Problem(kind, detail) for detail in check(database, index)]
        except (LibraryLocked, StorageFull):
            raise
        except LibraryError as error:
            problems.append(Problem(kind, str(error)))
    try:
        documents, chunks, vectors, revision = _counts(database, index)
    except (LibraryLocked, StorageFull):
        raise
    except LibraryError:
        documents = chunks = vectors = revision = 0
    return VerifyReport(documents, chunks, vectors, revision, tuple(problems))


def _counts(database: Database, index: CachedIndex) -> tuple[int, int, int, int]:
    with index.lock, database.reading() as connection:
        documents = connection.scalar(select(func.count(_documents.id)))
        chunks = connection.scalar(select(func.count(_chunks.id)))
        state = state_of(connection)
        vectors = len(index.at(connection, state)) if state.embedder else 0
        return documents or 0, chunks or 0, vectors, state.revision


def _check_file(database: Database, _index: CachedIndex) -> Iterator[str]:
    with database.reading() as connection:
        for line in connection.scalars(text("PRAGMA integrity_check")):
            if line != "ok":
                yield f"SQLite finds {database.file} damaged: {line}"
        for row in connection.execute(text("PRAGMA foreign_key_check")):
            yield f"row {row[1]} of {row[0]} points to a row of {row[2]} that is not there; {_HEAL}"


def _check_history(database: Database, _index: CachedIndex) -> Iterator[str]:
    with database.reading() as connection:
        state = state_of(connection)
        newest = connection.scalar(select(func.max(schema.revisions.c.number)))
        if newest != state.revision:
            yield f"the library is at revision {state.revision}, but its history ends at {newest}"


def _check_texts(database: Database, _index: CachedIndex) -> Iterator[str]:
    with database.reading() as connection:
        for document_id in connection.scalars(select(_documents.id)).all():
            yield from _check_document(connection, document_id)


def _check_document(connection: Connection, document_id: int) -> Iterator[str]:
    document = connection.execute(
        select(_documents.name, _documents.title, schema.document_texts.c.text)
        .join_from(schema.documents, schema.document_texts)
        .where(_documents.id == document_id)
    ).one_or_none()
    if document is None:
        return  # Its text is gone, which another check tells.
    columns = (_chunks.id, _chunks.ordinal, _chunks.start, _chunks.end, _chunks.title, _chunks.text)
    rows = connection.execute(select(*columns).where(_chunks.document_id == document_id).order_by(_chunks.ordinal))
    for expected, row in enumerate(rows):
        where = f"chunk {row.id} of document {document_id} ({document.name})"
        if row.ordinal != expected:
            yield f"{where} is number {row.ordinal} where number {expected} belongs; {_REPLACE}"
            return
        if row.text != document.text[row.start : row.end] or not row.text:
            yield f"{where} is not the document's text from {row.start} to {row.end}; {_REPLACE}"
        if row.title != document.title:
            yield f"{where} carries another title; {_REPLACE}"


def _check_kept(database: Database, _index: CachedIndex) -> Iterator[str]:
    with database.reading() as connection:
        yield from find_orphans(connection)
        for damage in find_damage(connection):
            yield f"{damage.detail}; {_HEAL}"
        texts = schema.document_texts.c.document_id
        for document_id in connection.scalars(select(_documents.id).where(_documents.id.not_in(select(texts)))):
            yield f"document {document_id} has no text; {_REPLACE}"


def _check_vectors(database: Database, _index: CachedIndex) -> Iterator[str]:
    with database.reading() as connection:
        state = state_of(connection)
        columns = (_chunks.id, _chunks.document_id, _chunks.embedder, _chunks.vector)
        for rows in connection.execute(select(*columns), execution_options={"yield_per": _BATCH}).partitions():
            _, sound = unpacked([row.vector for row in rows], state.dimensions or 0)
            for row, fine in zip(rows, sound.tolist(), strict=True):
                where = f"chunk {row.id} of document {row.document_id}"
                if not fine:
                    yield f"the vector of {where} is not {state.dimensions} finite numbers; {_REPLACE}"
                if row.embedder != state.embedder:
                    yield f"the vector of {where} is of {row.embedder}, not of {state.embedder}; {_REPLACE}"


def _check_words(database: Database, _index: CachedIndex) -> Iterator[str]:
    with database.reading() as connection:
        known = set(connection.scalars(text("SELECT id FROM chunk_words_docsize")))
        living = set(connection.scalars(select(_chunks.id)))
    if missing := sorted(living - known):
        yield f"the words of {len(missing)} chunks cannot be found (the first is {missing[0]}); {_HEAL}"
    if orphans := sorted(known - living):
        yield f"the words of {len(orphans)} chunks that are gone are still there (the first is {orphans[0]}); {_HEAL}"
    with database.checking() as connection:
        if not words_fit(connection):
            yield f"the full-text table does not fit the texts; {_HEAL}"


def _check_index(database: Database, index: CachedIndex) -> Iterator[str]:
    with index.lock, database.reading() as connection:
        state = state_of(connection)
        if state.embedder is None or state.dimensions is None:
            return
        held = index.at(connection, state)
        unseen = set(held.ids().tolist())
        if len(unseen) != len(held):
            yield f"the vector index holds {len(held) - len(unseen)} vectors twice; {_HEAL}"
        stored = select(_chunks.id, _chunks.vector).where(_chunks.embedder == state.embedder)
        for rows in connection.execute(stored, execution_options={"yield_per": _BATCH}).partitions():
            vectors, sound = unpacked([row.vector for row in rows], state.dimensions)
            ids = np.array([row.id for row in rows], dtype=np.int64)[sound]
            present = np.array([i in unseen for i in ids.tolist()], dtype=np.bool_)
            for chunk_id in ids[~present].tolist():
                yield f"the vector of chunk {chunk_id} is not in the index; {_HEAL}"
            different = held.differ(ids[present], vectors[present])
            for chunk_id in ids[present][different].tolist():
                yield f"the index holds another vector than the library for chunk {chunk_id}; {_HEAL}"
            unseen -= set(ids.tolist())
        for chunk_id in sorted(unseen):
            yield f"the index holds a vector of chunk {chunk_id}, which is gone; {_HEAL}"


_CHECKS: dict[str, Check] = {
    "database": _check_file,
    "history": _check_history,
    "text": _check_texts,
    "kept": _check_kept,
    "vector": _check_vectors,
    "words": _check_words,
    "index": _check_index,
}
