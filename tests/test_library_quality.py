"""How questions fare is counted by the database, and of small talk nothing."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from alembic import command
from sqlalchemy import create_engine

from rag_app.library import Library, migrating
from rag_app.library.kept_answers import packed_answer
from rag_app.library.quality import Bin, Counts
from rag_app.library.window import Window
from rag_app.records import Answer
from rag_app.records.feedback import Feedback
from tests.libraries import new_document, open_library, store, url_in
from tests.test_library_conversations import OTHER, SECRET, answer_from, declined_from
from tests.test_library_schema import run_sql


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return open_library(tmp_path)


def keep(library: Library, answer: Answer | None, *, state: str = "answered") -> int:
    turn = library.conversations.begin("Where?" if answer is None else answer.question)
    library.conversations.keep(turn.id, answer, state=state)  # type: ignore[arg-type]
    return turn.id


def asked_on(folder: Path, turn_id: int, moment: datetime) -> None:
    with closing(sqlite3.connect(folder / "library.sqlite3", isolation_level=None)) as connection:
        for table, name in (("turns", "id"), ("turn_figures", "turn_id")):
            values = (f"{moment:%Y-%m-%d %H:%M:%S}.000000", turn_id)
            connection.execute(f"UPDATE {table} SET asked_at = ? WHERE {name} = ?", values)


def test_each_day_counts_what_became_of_its_questions(library: Library, tmp_path: Path) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    answer = answer_from(library, owl)
    first = keep(library, answer)
    keep(library, declined_from(library, owl))
    keep(library, None, state="failed")
    keep(library, None, state="stopped")
    keep(library, replace(answer, kind="small_talk"))
    library.conversations.begin("Still being answered?")
    asked_on(tmp_path, first, datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert library.quality.days(Window()) == {"2026-01-31": Counts(answered=1), today: Counts(0, 1, 1, 1)}
    assert next(iter(library.quality.days(Window(), offset_minutes=60))) == "2026-02-01"
    assert list(library.quality.days(Window(since=datetime(2026, 2, 1, tzinfo=UTC)))) == [today]
    assert Counts(1, 2, 3, 4).asked == 10


def test_what_another_process_left_unanswered_counts_as_stopped(library: Library, tmp_path: Path) -> None:
    library.conversations.begin("Lost?")
    run_sql(tmp_path, "UPDATE turns SET writer = 'another'")
    assert list(library.quality.days(Window()).values()) == [Counts(stopped=1)]


def test_a_window_on_a_collection_holds_the_turns_that_read_its_documents(library: Library) -> None:
    owl, gate = store(library, new_document("owl.md", SECRET)), store(library, new_document("g.md", OTHER), "second")
    keep(library, answer_from(library, owl))
    turn = keep(library, answer_from(library, owl, gate))
    keep(library, None, state="failed")
    second = Window(collection="second")
    assert list(library.quality.days(second).values()) == [Counts(answered=1)]
    assert list(library.quality.days(Window(collection="third"))) == []
    library.feedback.give(Feedback(turn, False, "wrong"))
    assert library.quality.verdicts(second) == {(False, "wrong"): 1}
    assert [judged.feedback.turn_id for judged in library.feedback.judged(second)] == [turn]
    assert library.quality.verdicts(Window(collection="third")) == {}
    library.remove(gate.id)
    assert library.quality.days(second) == {}


def test_times_and_confidence_are_counted_with_what_was_thought_of_the_answers(library: Library) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    answer = answer_from(library, owl)
    timed = {"retrieve": 1.0, "evidence": 2.0, "first_token": 3.0, "total": 4.0}
    sure = keep(library, replace(answer, confidence=1.0, timings_ms=timed))
    keep(library, replace(answer, confidence=0.41, timings_ms={"total": 9.0}))
    half = keep(library, replace(answer, confidence=0.4, timings_ms=timed))
    keep(library, declined_from(library, owl))
    library.feedback.give(Feedback(sure, True))
    library.feedback.give(Feedback(half, False))
    times = library.quality.timings(Window())
    assert np.sort(times["total"]).tolist() == [4.0, 4.0, 9.0, 12.0]
    assert times["retrieve"].tolist()[:3] == [1.0, 0.0, 1.0]
    assert library.quality.confidence(Window()) == [Bin(0.4, 2, 0, 1), Bin(0.9, 1, 1, 0)]
    assert library.quality.verdicts(Window()) == {(True, None): 1, (False, None): 1}
    empty = Window(since=datetime.now(UTC) + timedelta(days=1))
    assert library.quality.timings(empty)["total"].tolist() == []
    assert library.quality.confidence(empty) == []


def test_the_questions_that_were_declined_are_listed_as_they_were_understood(library: Library) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    stamp = library.quality.unanswered_stamp(Window())
    keep(library, answer_from(library, owl))
    assert library.quality.unanswered(Window()) == []
    assert library.quality.unanswered_stamp(Window()) == stamp
    keep(library, declined_from(library, owl, question="Who rings the bell?"))
    keep(library, replace(declined_from(library, owl, question="And when?"), standalone_question="When is it rung?"))
    found = library.quality.unanswered(Window())
    assert [question.question for question in found] == ["When is it rung?", "Who rings the bell?"]
    assert library.quality.unanswered(Window(), limit=1) == found[:1]
    assert found[0].conversation_id == library.conversations.recent("and when")[0].id
    assert library.quality.unanswered_stamp(Window()) == (2, found[0].turn_id)


def test_answers_that_were_kept_before_there_were_figures_are_counted_after_the_upgrade(tmp_path: Path) -> None:
    with open_library(tmp_path / "new") as library:
        owl = store(library, new_document("owl.md", SECRET))
        answer = answer_from(library, owl)
        kept = [(answer, "answered"), (declined_from(library, owl), "answered"), (answer, "stopped")]
        kept.append((replace(answer, kind="small_talk"), "answered"))
        for given, state in kept:
            keep(library, given, state=state)
        times = library.quality.timings(Window())["total"].tolist()
        bins, counts = library.quality.confidence(Window()), list(library.quality.days(Window()).values())
    make_old_library(tmp_path, "0003")
    with closing(sqlite3.connect(tmp_path / "library.sqlite3", isolation_level=None)) as connection:
        connection.execute("INSERT INTO conversations VALUES ('c', 'Old', '2026-01-31', '2026-01-31')")
        for number, (given, state) in enumerate(kept):
            row = (number, state, packed_answer(given), "2026-01-31 12:00:00.000000")
            names = "conversation_id, question, writer, ordinal, state, answer, asked_at"
            connection.execute(f"INSERT INTO turns ({names}) VALUES ('c', '?', 'w', ?, ?, ?, ?)", row)
    with open_library(tmp_path) as library:
        assert library.quality.days(Window()) == {"2026-01-31": counts[0]}
        assert library.quality.timings(Window())["total"].tolist() == times
        assert library.quality.confidence(Window()) == bins


def make_old_library(folder: Path, revision: str) -> None:
    """Make an empty library of an earlier schema."""
    engine = create_engine(url_in(folder))
    with engine.begin() as connection:
        config = migrating._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_whatever_changes_what_is_counted_changes_the_stamp(library: Library) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    stamps = [library.quality.stamp()]
    first, second = keep(library, answer_from(library, owl)), keep(library, None, state="failed")
    changes = (
        lambda: library.feedback.give(Feedback(first, True)),
        lambda: library.feedback.give(Feedback(first, False)),
        lambda: library.feedback.retract(first),
        lambda: library.conversations.begin("Where?"),
        lambda: library.conversations.ask_again(second, "Where else?"),
        lambda: library.remove(owl.id),
    )
    for change in changes:
        stamps.append(library.quality.stamp())
        change()
    stamps.append(library.quality.stamp())
    assert all(one != following for one, following in pairwise(stamps))
