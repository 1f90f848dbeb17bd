"""Conversations in the database of the library.

A question is written before it is answered, and what has been checked of its answer as it comes, so that neither a
closed page nor a server that dies loses anything. What a kept answer quotes belongs to its documents: it goes when
they go.
"""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from rag_app.errors import NotFound
from rag_app.library import schema
from rag_app.library.asked_documents import find_asked, put_asked
from rag_app.library.database import Database
from rag_app.library.documents import each
from rag_app.library.kept_answers import as_asked, documents_in, packed_answer, unpacked_answer, without_documents
from rag_app.library.turn_figures import put_figures
from rag_app.library.writers import WRITER, Writers
from rag_app.records import Answer, AskedDocuments, Conversation, KeptTurn, TurnState

TITLE_CHARACTERS = 80

_conversations, _turns, _named = schema.conversations.c, schema.turns.c, schema.turn_documents.c
_judged = schema.feedback.c


class Conversations:
    """All conversations that are kept beside the documents of a library. May be shared by threads."""

    def __init__(self, database: Database, writers: Writers) -> None:
        self._database = database
        self._writers = writers

    def begin(self, question: str, *, documents: Iterable[int] = ()) -> KeptTurn:
        """Start a conversation with its first question, which also names it; return the turn.

        With ``documents`` it asks these alone.
        """
        token = secrets.token_urlsafe(12)
        now = _now()
        self._writers.enter()
        with self._database.writing() as connection:
            titled = {"id": token, "title": _title(question), "created_at": now, "changed_at": now}
            connection.execute(insert(schema.conversations).values(titled))
            put_asked(connection, token, documents)
            return self._turn(_add_turn(connection, token, question))

    def ask(self, conversation_id: str, question: str) -> KeptTurn:
        """Add a question to a conversation, to be answered; raises NotFound."""
        self._writers.enter()
        with self._database.writing() as connection:
            _require(connection, conversation_id)
            return self._turn(_add_turn(connection, conversation_id, question))

    def ask_again(self, turn_id: int, question: str) -> KeptTurn:
        """Ask a question in the place of a turn, which is deleted unless more than its answer would go with it.

        A turn that a reader judged, or that others follow, stays as it is, and the question is added to the
        conversation. Raises NotFound.
        """
        self._writers.enter()
        with self._database.writing() as connection:
            row = connection.execute(select(schema.turns).where(_turns.id == turn_id)).one_or_none()
            if row is None:
                raise NotFound("This question is no longer kept. Ask it anew.")
            if not (_is_judged(connection, turn_id) or _is_followed(connection, row)):
                connection.execute(delete(schema.turns).where(_turns.id == turn_id))
            return self._turn(_add_turn(connection, row.conversation_id, question))

    def asked(self, conversation_id: str) -> AskedDocuments | None:
        """Return the documents that a conversation asks alone; None where it asks all, or is not there."""
        with self._database.reading() as connection:
            return find_asked(connection, conversation_id)

    def ask_only(self, conversation_id: str, documents: Iterable[int]) -> None:
        """Let a conversation ask these documents alone from now on, or all where there are none; raises NotFound."""
        with self._database.writing() as connection:
            _require(connection, conversation_id)
            put_asked(connection, conversation_id, documents)

    def keep(self, turn_id: int, answer: Answer | None, *, state: TurnState, error: str = "") -> bool:
        """Write down how far a question has come; False where it is no longer waited for.

        What the answer holds of a document that was removed meanwhile is left out.
        """
        with self._database.writing() as connection:
            waiting = connection.execute(
                select(_turns.conversation_id).where(_turns.id == turn_id, _turns.state == "asked")
            ).one_or_none()
            if waiting is None:
                return False
            values: dict[str, Any] = {"state": state, "error": error}
            if answer is not None:
                values["answer"] = _put_documents(connection, turn_id, packed_answer(answer))
            connection.execute(update(schema.turns).where(_turns.id == turn_id).values(values))
            if answer is not None and state == "answered":
                put_figures(connection, turn_id, answer)
            _touch(connection, waiting.conversation_id)
        return True

    def recent(self, words: str = "", *, limit: int = 100) -> list[Conversation]:
        """Return the conversations in which each of the words occurs, the latest first."""
        wanted = words.casefold().split()
        statement = _select_conversations().order_by(_conversations.changed_at.desc(), _conversations.id)
        with self._database.reading() as connection:
            found = [_conversation(row) for row in connection.execute(statement if wanted else statement.limit(limit))]
            if not wanted:
                return found
            said = _everything_said(connection)
        texts = {c.id: f"{c.title} {said.get(c.id, '')}".casefold() for c in found}
        return [c for c in found if all(word in texts[c.id] for word in wanted)][:limit]

    def find(self, conversation_id: str) -> Conversation:
        """Return a conversation; raises NotFound."""
        with self._database.reading() as connection:
            return _require(connection, conversation_id)

    def turns(self, conversation_id: str) -> list[KeptTurn]:
        """Return the turns of a conversation in their order; none where there is no such conversation.

        A turn whose answer a process was writing that has ended is a stopped one.
        """
        statement = select(schema.turns).where(_turns.conversation_id == conversation_id).order_by(_turns.ordinal)
        with self._database.reading() as connection:
            return [self._turn(row) for row in connection.execute(statement)]

    def turn(self, turn_id: int) -> KeptTurn:
        """Return a turn as ``turns`` does; raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(schema.turns).where(_turns.id == turn_id)).one_or_none()
        if row is None:
            raise NotFound("This question is no longer kept. Ask it anew.")
        return self._turn(row)

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title; an empty one leaves it as it is. Raises NotFound."""
        with self._database.writing() as connection:
            known = _require(connection, conversation_id)
            renamed = update(schema.conversations).where(_conversations.id == conversation_id)
            connection.execute(renamed.values(title=_title(title) or known.title))

    def remove(self, conversation_id: str) -> None:
        """Delete a conversation with all its turns; one that is gone already is no error."""
        with self._database.writing() as connection:
            connection.execute(delete(schema.conversations).where(_conversations.id == conversation_id))
        self._database.truncate_log()

    def _turn(self, row: Row[Any]) -> KeptTurn:
        elsewhere = row.state == "asked" and row.writer != WRITER
        lost = elsewhere and not self._writers.is_alive(row.writer)
        return KeptTurn(
            id=row.id,
            conversation_id=row.conversation_id,
            ordinal=row.ordinal,
            question=row.question,
            state="stopped" if lost else row.state,
            answer=unpacked_answer(row.answer) if row.answer else None,
            error=row.error,
            asked_at=row.asked_at.replace(tzinfo=UTC),
            elsewhere=elsewhere and not lost,
        )


def redact_documents(connection: Connection, gone: Iterable[int]) -> int:
    """Take what documents said out of all kept answers, in the transaction that removes them; return in how many."""
    removed = set(gone)
    touched = connection.execute(
        select(schema.turns)
        .where(_turns.id.in_(select(_named.turn_id).where(_named.document_id.in_(each(removed)))))
        .order_by(_turns.id)
    ).all()
    first: dict[str, int] = {}
    for row in touched:
        first.setdefault(row.conversation_id, row.ordinal)
        cleaned = without_documents(row.answer, removed)
        connection.execute(update(schema.turns).where(_turns.id == row.id).values(answer=cleaned))
    connection.execute(delete(schema.turn_documents).where(_named.document_id.in_(each(removed))))
    for conversation_id, ordinal in first.items():
        _forget_understanding(connection, conversation_id, ordinal)
    return len(touched)


def names_document(connection: Connection, document_id: int) -> bool:
    """Say whether a kept answer may hold words of a document."""
    return bool(
        connection.scalar(
            select(func.count()).select_from(schema.turn_documents).where(_named.document_id == document_id)
        )
    )


def _forget_understanding(connection: Connection, conversation_id: str, ordinal: int) -> None:
    """A follow-up was understood with the help of the answers before it, and may repeat their words."""
    later = select(_turns.id, _turns.answer).where(
        _turns.conversation_id == conversation_id, _turns.ordinal > ordinal, _turns.answer.is_not(None)
    )
    for row in connection.execute(later).all():
        connection.execute(update(schema.turns).where(_turns.id == row.id).values(answer=as_asked(row.answer)))


def _is_judged(connection: Connection, turn_id: int) -> bool:
    return connection.scalar(select(_judged.turn_id).where(_judged.turn_id == turn_id)) is not None


def _is_followed(connection: Connection, row: Row[Any]) -> bool:
    later = select(_turns.id).where(_turns.conversation_id == row.conversation_id, _turns.ordinal > row.ordinal)
    return connection.scalar(later.limit(1)) is not None


def _add_turn(connection: Connection, conversation_id: str, question: str) -> Row[Any]:
    last = connection.scalar(select(func.max(_turns.ordinal)).where(_turns.conversation_id == conversation_id))
    values = {
        "conversation_id": conversation_id,
        "ordinal": (last or 0) + 1,
        "question": question,
        "state": "asked",
        "writer": WRITER,
        "asked_at": _now(),
    }
    row = connection.execute(insert(schema.turns).values(values).returning(*schema.turns.c)).one()
    _touch(connection, conversation_id)
    return row


def _put_documents(connection: Connection, turn_id: int, answer: str) -> str:
    """Note which documents an answer holds words of; return it without those that are gone."""
    named = documents_in(answer)
    living = set(connection.scalars(select(schema.documents.c.id).where(schema.documents.c.id.in_(each(named)))))
    if gone := named - living:
        answer = without_documents(answer, gone)
    connection.execute(delete(schema.turn_documents).where(_named.turn_id == turn_id))
    if living:
        rows = [{"turn_id": turn_id, "document_id": number} for number in sorted(living)]
        connection.execute(insert(schema.turn_documents), rows)
    return answer


def _touch(connection: Connection, conversation_id: str) -> None:
    changed = update(schema.conversations).where(_conversations.id == conversation_id)
    connection.execute(changed.values(changed_at=_now()))


def _everything_said(connection: Connection) -> dict[str, str]:
    """Return all questions and answers of each conversation as one text."""
    answers = func.json_extract(_turns.answer, "$.answer.answer")
    said: dict[str, str] = {}
    for conversation_id, question, answer in connection.execute(
        select(_turns.conversation_id, _turns.question, answers)
    ):
        said[conversation_id] = f"{said.get(conversation_id, '')} {question} {answer or ''}"
    return said


def _select_conversations() -> Any:
    count = select(func.count(_turns.id)).where(_turns.conversation_id == _conversations.id).scalar_subquery()
    return select(schema.conversations, count.label("turns"))


def _require(connection: Connection, conversation_id: str) -> Conversation:
    row = connection.execute(_select_conversations().where(_conversations.id == conversation_id)).one_or_none()
    if row is None:
        raise NotFound("This conversation is no longer kept. Start a new one.")
    return _conversation(row)


def _conversation(row: Row[Any]) -> Conversation:
    values = row._asdict()
    return Conversation(**values | {name: values[name].replace(tzinfo=UTC) for name in ("created_at", "changed_at")})


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARACTERS else line[: TITLE_CHARACTERS - 1].rstrip() + "…"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
