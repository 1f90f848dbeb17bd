"""Take what was removed off the disk, and look there for it, byte by byte.

SQLite overwrites what a row leaves behind (``secure_delete``), with two exceptions: the full-text table keeps the
words of a removed chunk until its segments are merged, and a page may keep a copy of what was moved to another one.
The write-ahead log keeps everything until it is folded into the file.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import func, select, text, update

from rag_app.library import schema
from rag_app.library.database import Database

log = logging.getLogger(__name__)

PROBES = 8
"""Pieces of a removed document that are looked for in the files. Searching 1 GB for one takes about 0.4 s."""
_PROBE_CHARACTERS = 48
_SHORTEST_PROBE = 6
_READ_BYTES = 2**24

FULL_TEXT, DATABASE_FILE, WRITE_AHEAD_LOG = "full-text index", "database file", "write-ahead log"


def probes_of(document: str) -> tuple[str, ...]:
    """Return pieces from all over a text, by which its remains would be known."""
    step = max(_PROBE_CHARACTERS, len(document) // PROBES)
    pieces = (document[start : start + _PROBE_CHARACTERS] for start in range(0, len(document), step))
    return tuple(dict.fromkeys(piece for piece in pieces if len(piece) >= _SHORTEST_PROBE))


def erase(database: Database, probes: Sequence[str] | None = None) -> tuple[str, ...]:
    """Take the words of everything that was removed out of every file; return where they then were looked for.

    Without ``probes`` nothing can be looked for, so that the database file is written anew in any case.

    Raises:
        LibraryLocked: another program writes for too long.
        StorageFull: there is no room to merge.
    """
    with database.writing() as connection:
        connection.execute(text("INSERT INTO chunk_words(chunk_words) VALUES ('optimize')"))
    if probes is None:
        database.vacuum()
    emptied = database.truncate_log()
    if probes is not None and emptied and _remains(database, probes):
        log.info("A page of %s still held removed words; the file is written anew.", database.file)
        database.vacuum()
        emptied = database.truncate_log()
    if not emptied:
        log.info("Another program reads %s; its write-ahead log is emptied when the library closes.", database.file)
        return (FULL_TEXT,)
    with database.writing() as connection:
        connection.execute(update(schema.state).values(residue=0))
    return (FULL_TEXT, DATABASE_FILE, WRITE_AHEAD_LOG)


def residue(database: Database) -> bool:
    """Say whether something that was removed may still be on the disk."""
    with database.reading() as connection:
        return bool(connection.scalar(select(schema.state.c.residue)))


def _remains(database: Database, probes: Iterable[str]) -> bool:
    texts = schema.document_texts.c.text
    for probe in _held(database.file, probes):
        with database.reading() as connection:
            living = select(func.count()).select_from(schema.document_texts).where(func.instr(texts, probe) > 0)
            if not connection.scalar(living):
                return True
    return False


def _held(file: Path, probes: Iterable[str]) -> Iterator[str]:
    """Yield those of the pieces of text that a file holds."""
    wanted = {probe: probe.encode() for probe in probes}
    overlap = max((len(piece) for piece in wanted.values()), default=1) - 1
    with file.open("rb") as source:
        content = b""
        while wanted and (more := source.read(_READ_BYTES)):
            content = content[max(0, len(content) - overlap) :] + more
            for probe in [probe for probe, piece in wanted.items() if piece in content]:
                del wanted[probe]
                yield probe
