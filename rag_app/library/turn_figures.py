"""What can be counted of an answer, kept apart from its text."""

from sqlalchemy import Connection, insert, select

from rag_app.library import schema
from rag_app.records import Answer

TIMINGS = ("retrieve", "evidence", "first_token", "total")


def put_figures(connection: Connection, turn_id: int, answer: Answer) -> None:
    """Write down what can be counted of a whole answer; nothing of small talk, which needs no documents."""
    if answer.kind != "answer":
        return
    asked_at = select(schema.turns.c.asked_at).where(schema.turns.c.id == turn_id).scalar_subquery()
    times = {f"{name}_ms": float(answer.timings_ms.get(name, 0.0)) for name in TIMINGS}
    facts = {"turn_id": turn_id, "asked_at": asked_at, "abstained": answer.abstained, "confidence": answer.confidence}
    connection.execute(insert(schema.turn_figures).values(facts | times))
