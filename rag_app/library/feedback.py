"""What readers think of answers, kept with the answers: it goes when they go.

Readers write in words of their own, and may write what a document says. When that document is removed, their words
go with it, and only the verdict and its reason stay.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, text, update

from rag_app.errors import NotFound
from rag_app.library import schema
from rag_app.library.database import Database
from rag_app.library.documents import each
from rag_app.library.feedback_rows import JudgedTurn, evaluation_rows
from rag_app.library.kept_answers import unpacked_answer
from rag_app.library.shared_words import Run, found_in, runs_of
from rag_app.library.window import Window, within_window
from rag_app.records.conversations import REMOVED_MARK
from rag_app.records.feedback import Feedback

_feedback, _turns, _named = schema.feedback.c, schema.turns.c, schema.turn_documents.c
_FACTS = tuple(_feedback)
_LATEST = _feedback.given_at.desc()
_OF_FIGURES = _feedback.turn_id == schema.turn_figures.c.turn_id
_AT_ONCE = 100
_LIKE_PHRASE = text(
    """
    SELECT chunks.title, chunks.heading, chunks.text
    FROM chunk_words JOIN chunks ON chunks.id = chunk_words.rowid
    WHERE chunk_words MATCH :phrase AND chunks.document_id NOT IN (SELECT value FROM json_each(:documents))
    LIMIT 20
    """
)


class KeptFeedback:
    """All feedback that is kept beside the answers of a library. May be shared by threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, turn_id: int) -> Feedback | None:
        """Return what was thought of the answer of a turn, if anything."""
        with self._database.reading() as connection:
            row = connection.execute(select(*_FACTS).where(_feedback.turn_id == turn_id)).one_or_none()
        return _as_feedback(row) if row else None

    def of_each(self, turn_ids: Collection[int]) -> dict[int, Feedback]:
        """Return what was thought of the answers of turns, by the turn's id; of most that is nothing."""
        with self._database.reading() as connection:
            rows = connection.execute(select(*_FACTS).where(_feedback.turn_id.in_(each(turn_ids))))
            return {row.turn_id: _as_feedback(row) for row in rows}

    def give(self, feedback: Feedback) -> None:
        """Keep what is thought of a whole answer, in place of what was thought of it before; raises NotFound."""
        values = {
            "turn_id": feedback.turn_id,
            "helpful": feedback.helpful,
            "reason": None if feedback.helpful else feedback.reason,
            "words": "" if feedback.helpful else feedback.words.strip(),
            "correction": "" if feedback.helpful else feedback.correction.strip(),
            "given_at": feedback.given_at.astimezone(UTC).replace(tzinfo=None),
        }
        with self._database.writing() as connection:
            whole = (_turns.id == feedback.turn_id) & (_turns.state == "answered")
            if connection.scalar(select(_turns.id).where(whole)) is None:
                raise NotFound("This answer is no longer kept, so nothing can be noted of it. Ask the question again.")
            connection.execute(insert(schema.feedback).prefix_with("OR REPLACE").values(values))

    def retract(self, turn_id: int) -> None:
        """Forget what was thought of an answer; nothing thought is no error."""
        with self._database.writing() as connection:
            connection.execute(delete(schema.feedback).where(_feedback.turn_id == turn_id))

    def remove_all(self) -> int:
        """Delete all feedback for good; return how much there was. Answers stay."""
        with self._database.writing() as connection:
            count = connection.execute(delete(schema.feedback)).rowcount
        self._database.truncate_log()
        return count

    def count(self) -> int:
        """Return how many answers were judged."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(schema.feedback)) or 0

    def judged(self, window: Window | None = None, *, limit: int | None = None) -> list[JudgedTurn]:
        """Return the answers that were judged in a window with what was thought of them, the latest verdict first."""
        # Chosen first and read after: to sort whole answers takes long.
        chosen: Select[Any] = select(_feedback.turn_id).join_from(schema.feedback, schema.turn_figures, _OF_FIGURES)
        chosen = within_window(chosen, window or Window(), schema.turn_figures)
        chosen = chosen.order_by(_feedback.given_at.desc(), _feedback.turn_id).limit(
            limit if limit and schema.fits_a_column(limit) else None
        )
        with self._database.reading() as connection:
            return list(_read_judged(connection, _feedback.turn_id.in_(chosen)))

    def evaluation_rows(self) -> list[dict[str, Any]]:
        """Return a row of an evaluation file for each verdict that says what is right, the latest first."""
        telling = _feedback.helpful | (_feedback.correction != "") | (_feedback.reason == "should_be_silent")
        with self._database.reading() as connection:
            return evaluation_rows(_read_judged(connection, telling))


def _read_judged(connection: Connection, which: ColumnElement[bool]) -> Iterator[JudgedTurn]:
    statement: Select[Any] = select(*_FACTS, _turns.question, _turns.conversation_id, _turns.answer)
    statement = statement.join_from(schema.feedback, schema.turns).where(which, _turns.answer.is_not(None))
    ids = connection.scalars(select(_feedback.turn_id).where(which).order_by(_LATEST, _feedback.turn_id)).all()
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        rows = connection.execute(
            statement.where(_feedback.turn_id.in_(each(part))).order_by(_LATEST, _feedback.turn_id)
        )
        for row in rows:
            yield JudgedTurn(_as_feedback(row), row.question, row.conversation_id, unpacked_answer(row.answer))


def forget_words(connection: Connection, document_ids: Collection[int], texts: Iterable[str]) -> int:
    """Take out of all feedback what documents may have said, before they are removed in the same transaction.

    That is every word of the feedback in a conversation of which an answer drew on one of them; and elsewhere, what
    repeats a run of words of their ``texts`` that no other document has. Returns from how many verdicts words went.
    """
    worded = (_feedback.words != "") | (_feedback.correction != "")
    rows = connection.execute(select(_feedback.turn_id, _feedback.words, _feedback.correction).where(worded)).all()
    if not rows:
        return 0
    drawn = select(_turns.conversation_id).join(schema.turn_documents, _named.turn_id == _turns.id)
    drawn = drawn.where(_named.document_id.in_(each(document_ids)))
    near = select(_turns.id).where(_turns.conversation_id.in_(drawn))
    forgotten = set(connection.scalars(select(_feedback.turn_id).where(worded, _feedback.turn_id.in_(near))))
    runs = {row.turn_id: runs_of(row.words) | runs_of(row.correction) for row in rows if row.turn_id not in forgotten}
    repeated = found_in(texts, set().union(*runs.values()))
    own = {run for run in repeated if not _said_elsewhere(connection, run, document_ids)}
    forgotten |= {turn_id for turn_id, mine in runs.items() if mine & own}
    emptied = update(schema.feedback).where(_feedback.turn_id.in_(each(forgotten)))
    connection.execute(emptied.values(words=REMOVED_MARK, correction=""))
    return len(forgotten)


def _said_elsewhere(connection: Connection, run: Run, document_ids: Collection[int]) -> bool:
    """Say whether a run of words is in other documents, as far as the first few tell that have words of its stems."""
    phrase = '"' + " ".join(run) + '"'
    found = connection.execute(_LIKE_PHRASE, {"phrase": phrase, "documents": json.dumps(list(document_ids))})
    return any(found_in((part or "" for part in row), {run}) for row in found)


def _as_feedback(row: Any) -> Feedback:
    values = {column.name: row._mapping[column.name] for column in _FACTS}
    return Feedback(**values | {"given_at": values["given_at"].replace(tzinfo=UTC)})
