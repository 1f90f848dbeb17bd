"""How questions fare: counted by the database, from figures that hold nothing of what was said."""

from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Integer, Select, String, case, cast, func, select

from rag_app.library import schema
from rag_app.library.database import Database
from rag_app.library.turn_figures import TIMINGS
from rag_app.library.window import Window, within_window
from rag_app.library.writers import Writers
from rag_app.records.feedback import Reason

_turns, _figures, _feedback = schema.turns.c, schema.turn_figures.c, schema.feedback.c

_OF_FEEDBACK = _feedback.turn_id == _figures.turn_id

BINS = 10
"""Parts into which confidence, from 0 to 1, is divided."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions were answered, were declined (the documents do not say), failed, or were stopped."""

    answered: int = 0
    declined: int = 0
    failed: int = 0
    stopped: int = 0

    @property
    def asked(self) -> int:
        return self.answered + self.declined + self.failed + self.stopped

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of like confidence (from ``low``, a step of a tenth), and how many of them were found helpful or not."""

    low: float
    answers: int
    helpful: int
    unhelpful: int


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question to which the documents had no answer, as it was understood."""

    turn_id: int
    conversation_id: str
    question: str
    asked_at: datetime


class Quality:
    """Figures over the kept turns of a library. May be shared by threads."""

    def __init__(self, database: Database, writers: Writers) -> None:
        self._database = database
        self._writers = writers

    def days(self, window: Window, *, offset_minutes: int = 0) -> dict[str, Counts]:
        """Return the counts of each day on which something was asked (as 2026-01-31), in their order.

        ``offset_minutes`` is how far the reader's clock is ahead of UTC. Small talk is not counted.
        """
        ahead = f"{offset_minutes:+d} minutes"
        whole = func.date(_figures.asked_at, ahead).label("day")
        silent = func.sum(cast(_figures.abstained, Integer))
        answers = select(whole, func.count() - silent, silent).select_from(schema.turn_figures).group_by("day")
        broken = func.date(_turns.asked_at, ahead).label("day")
        failed = func.sum(case((_turns.state == "failed", 1), else_=0))
        others = select(broken, failed, func.count() - failed)
        asked = _turns.state == "asked"
        with self._database.reading() as connection:
            # What a process left unanswered that has ended will not be answered.
            ended = set(connection.scalars(select(_turns.writer).where(asked).distinct()))
            ended -= self._writers.living(ended)
            others = others.where(_turns.state.in_(("stopped", "failed")) | (asked & _turns.writer.in_(ended)))
            found = {
                day: Counts(answered, declined)
                for day, answered, declined in connection.execute(within_window(answers, window, schema.turn_figures))
            }
            for day, failures, stops in connection.execute(within_window(others, window).group_by("day")):
                found[day] = replace(found.get(day, Counts()), failed=failures, stopped=stops)
        return dict(sorted(found.items()))

    def verdicts(self, window: Window) -> dict[tuple[bool, Reason | None], int]:
        """Return how often each verdict was given: (whether it helped, the reason if one was named) to a count."""
        statement = select(_feedback.helpful, _feedback.reason, func.count().label("number"))
        statement = statement.join_from(schema.feedback, schema.turn_figures, _OF_FEEDBACK)
        statement = within_window(statement, window, schema.turn_figures)
        with self._database.reading() as connection:
            rows = connection.execute(statement.group_by(_feedback.helpful, _feedback.reason))
            return {(row.helpful, row.reason): row.number for row in rows}

    def timings(self, window: Window) -> dict[str, NDArray[np.float64]]:
        """Return for each name in ``TIMINGS`` the milliseconds of all whole answers, those that declined included.

        ``retrieve`` and ``evidence`` are durations, ``first_token`` (0 where nothing was said) and ``total`` count
        from the question on.
        """
        columns = [_figures[f"{name}_ms"] for name in TIMINGS]
        statement = within_window(select(*columns), window, schema.turn_figures)
        with self._database.reading() as connection:
            rows = connection.execute(statement).all()
        table = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, len(TIMINGS))
        return {name: table[:, place] for place, name in enumerate(TIMINGS)}

    def confidence(self, window: Window) -> list[Bin]:
        """Return the answers that were given by their confidence, those bins left out that have none."""
        place = func.min(cast(_figures.confidence * BINS, Integer), BINS - 1)
        judged = [func.coalesce(func.sum(case((_feedback.helpful.is_(said), 1), else_=0)), 0) for said in (True, False)]
        statement = select(place.label("place"), func.count().label("answers"), *judged)
        statement = statement.select_from(schema.turn_figures.join(schema.feedback, _OF_FEEDBACK, isouter=True))
        statement = within_window(statement.where(_figures.abstained.is_(False)), window, schema.turn_figures)
        with self._database.reading() as connection:
            rows = connection.execute(statement.group_by("place").order_by("place")).all()
        return [Bin(low / BINS, answers, helpful, unhelpful) for low, answers, helpful, unhelpful in rows]

    def unanswered(self, window: Window, *, limit: int | None = None) -> list[Unanswered]:
        """Return the questions that were declined, the latest first."""
        understood = func.json_extract(_turns.answer, "$.answer.standalone_question")
        declined = _declined(select(_figures.turn_id), window).order_by(_figures.turn_id.desc()).limit(limit)
        statement = select(_turns.id, _turns.conversation_id, _figures.asked_at, _turns.question, understood)
        statement = statement.join_from(schema.turns, schema.turn_figures).where(_turns.id.in_(declined))
        with self._database.reading() as connection:
            rows = connection.execute(statement.order_by(_turns.id.desc()))
            return [
                Unanswered(turn_id, conversation_id, (meant or question).strip(), asked_at.replace(tzinfo=UTC))
                for turn_id, conversation_id, asked_at, question, meant in rows
            ]

    def stamp(self) -> tuple[int | str, ...]:
        """Return values that are the same again only while nothing that is counted here has changed."""
        turns = select(func.count(_turns.id), func.coalesce(func.max(_turns.id), 0))
        figures = select(func.count(), func.coalesce(func.sum(_figures.turn_id), 0)).select_from(schema.turn_figures)
        verdicts = select(func.count(), func.coalesce(func.max(cast(_feedback.given_at, String)), "")).select_from(
            schema.feedback
        )
        revision = select(schema.state.c.revision)
        with self._database.reading() as connection:
            return tuple(
                value for part in (turns, figures, verdicts, revision) for value in connection.execute(part).one()
            )

    def unanswered_stamp(self, window: Window) -> tuple[int, int]:
        """Return what changes with the questions that were declined: how many there are, and the latest."""
        statement = select(func.count(), func.coalesce(func.max(_figures.turn_id), 0))
        with self._database.reading() as connection:
            count, latest = connection.execute(_declined(statement, window)).one()
        return count, latest


def _declined(statement: Select[Any], window: Window) -> Select[Any]:
    return within_window(statement.where(_figures.abstained.is_(True)), window, schema.turn_figures)
