"""Search by words with SQLite's FTS5, and the checks that keep its table honest."""

import math
import sqlite3

from sqlalchemy import Connection, Function, Integer, bindparam, column, func, literal_column, select, table, text
from sqlalchemy.exc import DatabaseError

from rag_app.library import schema
from rag_app.library.documents import living_chunks, within
from rag_app.library.words import match_expression
from rag_app.records import Hit, Scope

_WORDS = table("chunk_words", column("rowid", Integer))


def search_words(connection: Connection, query: str, k: int, scope: Scope) -> list[Hit]:
    """Return the k chunks in scope that fit the words of a query best, by BM25; higher is better.

    Chunks outside of the scope are not scored. How rare a word is, is counted over the whole library. BM25
    grows with the logarithm of how many chunks the library has; a score is divided by it, so that a word that only
    one chunk has is worth about as much in a library of any size.
    """
    expression = match_expression(query)
    if expression is None or k < 1:
        return []
    # Not FTS5's own "rank": sorting by it would score every match before the scope is looked at.
    score: Function[float] = func.bm25(literal_column("chunk_words"))
    statement = (
        select(_WORDS.c.rowid, score)
        .select_from(_WORDS)
        .where(text("chunk_words MATCH :expression").bindparams(bindparam("expression", expression)))
        .order_by(score, _WORDS.c.rowid)
        .limit(k)
    )
    if scope != Scope():
        owners = statement.join(schema.chunks, schema.chunks.c.id == _WORDS.c.rowid)
        statement = within(owners.join(schema.documents).join(schema.collections), scope)
    rows = connection.execute(statement).all()
    largest = math.log1p(connection.scalar(select(func.count()).select_from(schema.chunks)) or 0) or 1.0
    hits = [Hit(chunk_id, -value / largest) for chunk_id, value in rows]
    living = living_chunks(connection, (hit.chunk_id for hit in hits))
    return [hit for hit in hits if hit.chunk_id in living]


def rebuild_words(connection: Connection) -> None:
    """Make the full-text table anew from the chunks."""
    connection.execute(text("INSERT INTO chunk_words(chunk_words) VALUES ('rebuild')"))


def words_fit(connection: Connection) -> bool:
    """Let FTS5 compare its table with the chunks. The connection's transaction must not be kept."""
    try:
        # Rank 1 asks for the comparison with the rows; without it only the table itself is looked at.
        connection.execute(text("INSERT INTO chunk_words(chunk_words, rank) VALUES ('integrity-check', 1)"))
    except DatabaseError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT:
            return False
        raise
    return True
