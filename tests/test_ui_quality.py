"""The quality page: stretches of time, groups of questions, reports, and the thumbs, without a browser."""

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from streamlit.testing.v1 import AppTest

from rag_app.assembly import Application
from rag_app.library.quality import Bin, Counts, Unanswered
from rag_app.library.window import Window
from rag_app.records.feedback import Feedback
from tests.page_parts import open_page, store_text
from tests.test_ui_pages import CARRY, EVIL, LEAVE, chat, press, shown
from ui.quality import milliseconds, steps_of, stretches_of
from ui.quality_charts import reasons_html, steps_html
from ui.quality_page import count_figures, evaluation_file, judged_html, numbers_html
from ui.report_view import command_for, latest_report, read_report
from ui.unanswered import Grouper, Outcome, as_one, group_questions
from ui.unanswered_view import GROUPS_SHOWN, groups_html

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
WIFI = "What is the wifi password?"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    opened = open_page(tmp_path)
    yield opened
    opened.close()


def quality_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import quality_page

    quality_page.show(open_page(home))


def quality(application: Application) -> AppTest:
    """Return the page once the questions that found no answer are grouped."""
    page = AppTest.from_function(quality_script, kwargs={"home": application.settings.home}, default_timeout=60).run()
    while "Grouping the questions" in shown(page):
        page.run()
    return page


def asked(*questions: str) -> list[Unanswered]:
    """Return questions that found no answer, the latest first, an hour apart."""
    return [
        Unanswered(number, f"c{number}", question, NOW + timedelta(hours=number))
        for number, question in reversed(list(enumerate(questions)))
    ]


def angles(*degrees: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_a_month_is_shown_by_days_without_gaps() -> None:
    days = {"2026-02-27": Counts(2, 1), "2026-03-01": Counts(0, 0, 1, 1)}
    stretches, unit = stretches_of(days, first=date(2026, 2, 26), last=date(2026, 3, 2))
    assert unit == "day"
    assert [(s.name, s.answered, s.declined, s.broken) for s in stretches] == [
        ("26 Feb", 0, 0, 0),
        ("27 Feb", 2, 1, 0),
        ("28 Feb", 0, 0, 0),
        ("1 Mar", 0, 0, 2),
        ("2 Mar", 0, 0, 0),
    ]
    assert [s.answer_rate for s in stretches] == [None, 2 / 3, None, None, None]


def test_longer_times_are_shown_by_weeks_and_months() -> None:
    days = {"2025-12-31": Counts(1), "2026-02-28": Counts(1), "2026-03-01": Counts(1)}
    weeks, unit = stretches_of(days, first=None, last=date(2026, 3, 2))
    assert (unit, len(weeks), weeks[0].first, sum(week.answered for week in weeks)) == (
        "week",
        10,
        date(2025, 12, 29),
        3,
    )
    months, unit = stretches_of({"2025-01-31": Counts(1), **days}, first=None, last=date(2026, 3, 2))
    assert (unit, [month.answered for month in months if month.asked]) == ("month", [1, 1, 1, 1])
    assert (months[0].name, len(months)) == ("Jan 2025", 15)
    assert stretches_of({}, first=None, last=date(2026, 3, 2))[0][0].asked == 0


def test_time_is_told_by_its_parts() -> None:
    parts = {"retrieve": [10.0, 10.0], "evidence": [30.0, 30.0], "first_token": [0.0, 70.0], "total": [60.0, 100.0]}
    steps = steps_of({name: np.array(taken) for name, taken in parts.items()})
    assert {step.name: step.p50 for step in steps} == {
        "To the end": 80.0,
        "To the first sentence": 70.0,
        "Searching": 10.0,
        "Weighing the evidence": 30.0,
        "Reading, writing and checking": 40.0,
    }
    assert [step.share for step in steps if step.share is not None] == [0.125, 0.375, 0.5]
    assert steps_of({name: np.array([]) for name in parts}) == []
    assert "1.2 s" in steps_html(steps_of({name: np.array([1234.0]) for name in parts}))
    assert (milliseconds(999.4), milliseconds(61_500)) == ("999 ms", "61.5 s")


def test_questions_that_ask_for_the_same_are_one_group_named_by_the_one_in_their_middle() -> None:
    questions = asked("a pool?", "a gym?", "A GYM", "gyms?", "a swimming pool?", "a sports hall?")
    vectors = {"a pool": 90, "a gym": 0, "gyms": 8, "a swimming pool": 95, "a sports hall": 40}
    groups = group_questions(questions, angles(*(vectors[as_one(question.question)] for question in questions)))
    assert [(group.name, len(group.questions)) for group in groups] == [("gyms?", 4), ("a swimming pool?", 2)]
    assert [question.turn_id for question in groups[0].questions] == [5, 3, 2, 1]
    assert groups[0].latest == NOW + timedelta(hours=5)


def test_one_question_is_a_group_of_its_own() -> None:
    (group,) = group_questions(asked("Why?"), angles(0))
    assert (group.name, len(group.questions)) == ("Why?", 1)


class CountingEmbedder:
    """Gives every text the same vector, and remembers which it was asked for; the first time it waits for its cue."""

    def __init__(self) -> None:
        self.embedded: list[list[str]] = []
        self.go = threading.Event()

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        assert self.go.wait(60)
        self.embedded.append(list(texts))
        return angles(*(0.0 for _ in texts))


def test_grouping_keeps_nobody_waiting_and_embeds_a_question_once(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    embedder = CountingEmbedder()
    watched = replace(application, embedder=embedder)  # type: ignore[arg-type]
    grouper = Grouper()

    def ask(question: str) -> None:
        turn = application.library.conversations.begin(question)
        application.library.conversations.keep(turn.id, application.assistant.ask(question).answer, state="answered")

    def wait() -> list[tuple[str, int]]:
        outcome: Outcome = grouper.outcome(watched, Window())
        assert not outcome.groups
        embedder.go.set()
        grouper.finish()
        assert grouper.outcome(watched, Window()) is outcome
        assert outcome.groups
        return [(group.name, len(group.questions)) for group in outcome.groups]

    ask(WIFI)
    assert wait() == [(WIFI, 1)]
    ask(WIFI.upper())
    ask("Is there a gym?")
    assert wait() == [("Is there a gym?", 3)]
    assert embedder.embedded == [["what is the wifi password"], ["is there a gym"]]


def test_groups_are_shown_with_their_questions_and_links_and_no_markup_of_theirs() -> None:
    questions = asked(EVIL, EVIL, "Why?")
    html = groups_html(group_questions(questions, angles(0, 0, 120)[::-1]), UTC)
    parsed = BeautifulSoup(html, "html.parser")
    assert not parsed.select("img")
    assert [a["href"] for a in parsed.select(".lacks a")] == ["./?c=c1", "./?c=c0"]
    assert "asked 2 times, last on 2 March 2026" in html
    assert "Asked once" in html
    assert "found an answer in your documents" in groups_html([], UTC)


def test_of_many_groups_the_largest_are_shown() -> None:
    texts = [f"{letter}{letter}?" for letter in "abcdefghijklmnopqrst" for _ in range(2)]
    groups = [group for n in range(0, 40, 2) for group in group_questions(asked(*texts[n : n + 2]), angles(0, 0))]
    html = groups_html(groups, UTC)
    assert html.count("<details") == GROUPS_SHOWN
    assert "And 5 smaller groups." in html


def test_a_report_is_read_without_its_markup_and_with_the_pictures_beside_it(tmp_path: Path) -> None:
    assert latest_report(tmp_path) is None
    assert read_report(tmp_path) is None
    assert command_for(Path("/a b")) == "rag-app eval report --out '/a b/report'"
    for place, age in (("report", 50), ("runs/late", 10)):
        (tmp_path / place).mkdir(parents=True)
        file = tmp_path / place / "report.md"
        text = f"# Figures\n\n| a | b |\n| --- | --- |\n| 1 | {EVIL} |\n\n![Curve](curve.png) ![Gone](gone.png)\n"
        file.write_text(f"{text}\n![x](http://evil.example/x.png) [y](javascript:alert)\n", encoding="utf-8")
        os.utime(file, (NOW.timestamp() - age, NOW.timestamp() - age))
    folder = tmp_path / "runs" / "late"
    Image.new("RGB", (4, 4)).save(folder / "curve.png")
    assert latest_report(tmp_path) == folder
    parts = read_report(folder)
    assert parts
    assert [(part.picture, part.shows) for part in parts if part.picture] == [(folder / "curve.png", "Curve")]
    parsed = BeautifulSoup("".join(part.html for part in parts), "html.parser")
    assert not parsed.select("img, a, script")
    assert [cell.get_text() for cell in parsed.select("td")] == ["1", EVIL]
    (folder / "report.md").write_bytes(b"\xff\xfe")
    assert read_report(folder) is None


def test_a_report_shows_no_file_of_elsewhere_and_nothing_that_is_no_picture(tmp_path: Path) -> None:
    secret, report = tmp_path / "secret", tmp_path / "report"
    secret.mkdir()
    report.mkdir()
    Image.new("RGB", (4, 4)).save(secret / "passport.png")
    (secret / "notes.md").write_text("the code is 4711", encoding="utf-8")
    (report / "curve.png").symlink_to(secret / "passport.png")
    (report / "broken.png").write_bytes(b"no picture")
    (report / "report.md").write_text("![a](curve.png) ![b](broken.png) ![c](../secret/passport.png)", encoding="utf-8")
    parts = read_report(report)
    assert parts
    assert not any(part.picture for part in parts)
    (report / "report.md").unlink()
    (report / "report.md").symlink_to(secret / "notes.md")
    assert read_report(report) is None


def test_what_readers_upload_is_no_report(tmp_path: Path) -> None:
    uploaded = tmp_path / "uploads" / "default"
    uploaded.mkdir(parents=True)
    (uploaded / "report.md").write_text("# All is well", encoding="utf-8")
    assert latest_report(tmp_path) is None


def test_a_folder_of_the_server_is_named_only_by_who_may_read_it(tmp_path: Path) -> None:
    for place in ("closed", "open"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "report.md").write_text(f"# From {place}", encoding="utf-8")
    page = report_page(tmp_path / "home", "local")
    assert not page.text_input, "As in a test, nobody knows that the page is seen on this computer alone."
    page = report_page(tmp_path / "home", str(tmp_path / "open"))
    page.text_input[0].set_value(str(tmp_path / "closed")).run()
    assert "not allowed here" in shown(page)
    assert "From closed" not in shown(page)
    page.text_input[0].set_value(str(tmp_path / "open")).run()
    assert "From open" in shown(page)


def report_page(home: Path, server_folders: str) -> AppTest:
    return AppTest.from_function(report_script, kwargs={"home": home, "server_folders": server_folders}).run()


def report_script(home: "Path", server_folders: str) -> None:
    from rag_app.settings import load_settings
    from ui.report_view import draw_report

    draw_report(load_settings({"home": home, "server_folders": server_folders}, {}))


def test_a_page_without_questions_says_what_to_do(application: Application) -> None:
    html = shown(quality(application))
    assert "No questions were asked here in this time." in html
    assert "What your documents lack" not in html
    assert "The thumbs below an answer do that." in html
    assert "rag-app eval report --out" in html


def test_thumbs_are_kept_explained_and_taken_back(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    feedback = application.library.feedback
    assert "Did this help?" in shown(page)
    (turn,) = application.library.conversations.turns(application.library.conversations.recent()[0].id)
    page.feedback[0].set_value(1).run()
    kept = feedback.of(turn.id)
    assert kept
    assert kept.helpful
    page.feedback[0].set_value(0).run()
    page.radio(key=f"reason-{turn.id}").set_value("not_cited")
    page.text_area(key=f"words-{turn.id}").set_value(EVIL)
    page.text_input(key=f"correction-{turn.id}").set_value("12 days")
    html = shown(press(page, "Keep"))
    kept = feedback.of(turn.id)
    assert kept
    assert (kept.helpful, kept.reason, kept.words, kept.correction) == (False, "not_cited", EVIL, "12 days")
    assert "The cited passage does not say this." in html
    assert EVIL not in html
    press(page, "Change what you said")
    press(page, "Cancel")
    assert feedback.of(turn.id) == kept
    application.library.remove(turn.answer.citations[0].document.id if turn.answer else 0)
    assert "What you wrote was removed together with a document." in shown(page.run())
    page.feedback[0].set_value(None).run()
    assert feedback.of(turn.id) is None


def test_an_answer_that_was_deleted_meanwhile_says_so_below_the_thumbs_and_once(
    application: Application, tmp_path: Path
) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    (kept,) = application.library.conversations.recent()
    (turn,) = application.library.conversations.turns(kept.id)
    application.library.conversations.remove(kept.id)
    script = AppTest.from_function(press_script, kwargs={"home": application.settings.home, "turn_id": turn.id})
    told = [shown(script.run()) for _ in range(2)]
    assert told[0].index("Did this help?") < told[0].index("This answer is no longer kept")
    assert "no longer kept" not in told[1]


def press_script(home: "Path", turn_id: int) -> None:
    import streamlit as st

    from rag_app.records import Answer
    from tests.page_parts import open_page
    from ui import feedback
    from ui.conversation import Turn

    library = open_page(home).library
    answer = Answer("q", "q", "a", None, False, 0.5, (), (), (), {}, {}, {})
    turn = Turn(1, "q", answer=answer, id=turn_id)
    if "pressed" not in st.session_state:
        st.session_state["pressed"] = 0
        feedback._press(library, turn, "pressed")
    feedback.draw_feedback(library, turn)


def test_silence_is_judged_for_what_it_is(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value("Hello!").run()
    assert not page.feedback
    page.chat_input[0].set_value(WIFI).run()
    assert "Is it right that the documents do not say?" in shown(page)
    page.feedback[0].set_value(0).run()
    assert page.radio[0].options == ["The documents do say", "Something else"]


def test_what_was_asked_and_said_is_on_the_page_and_in_the_file(application: Application, tmp_path: Path) -> None:
    document = store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = chat(application)
    page.chat_input[0].set_value(CARRY).run()
    page.chat_input[0].set_value(WIFI).run()
    turns = application.library.conversations.turns(application.library.conversations.recent()[0].id)
    application.library.feedback.give(Feedback(turns[0].id, True))
    application.library.feedback.give(Feedback(turns[1].id, False, "should_have_known", EVIL, "Ask Anna"))
    page = quality(application)
    html = shown(page)
    assert "of 2 judged" in html
    assert "1 question found no answer, about 1 subject." in html
    assert "The documents do say" in html
    assert EVIL not in html
    assert evaluation_file(application.library).count("\n") == 2
    press(page, "Delete all feedback")
    assert application.library.feedback.count() == 2
    figures = count_figures(application.library, Window(), UTC)
    assert (figures.helpful, figures.unhelpful, figures.counts) == (1, 1, Counts(1, 1))
    assert [(b.helpful, b.unhelpful) for b in figures.bins] == [(1, 0)]
    assert isinstance(figures.bins[0], Bin)
    assert "50%" in numbers_html(figures)
    assert "1</td>" in reasons_html(figures.verdicts)
    application.library.remove(document.id)
    again = judged_html(count_figures(application.library, Window(), UTC).judged, UTC)
    assert "What you wrote was removed" in again
    assert "Anna" not in again
