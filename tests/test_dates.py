"""How new a document is, by what it writes on itself and else by its file."""

from dataclasses import replace

import pytest

from rag_app.answering.dates import find_date, is_newer, written_date, written_version
from rag_app.records import Passage
from tests.fakes import make_passages

DAY_NS = 86_400 * 10**9


def passage(title: str = "Leave", text: str = "Text.", *, name: str = "leave.md", changed_day: int = 0) -> Passage:
    """Return a passage of a document whose file changed so many days after 1 January 1970."""
    found = make_passages(text, title=title, names=[name])[0]
    return replace(found, document=replace(found.document, mtime_ns=changed_day * DAY_NS))


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Minutes 2026-02-14", (2026, 2, 14)),
        ("press-2024-05-lindhafen.txt", (2024, 5, 0)),
        ("as of 1 May 2024", (2024, 5, 1)),
        ("from 3 Sept 2021", (2021, 9, 3)),
        ("March 5th, 2023", (2023, 3, 5)),
        ("May 2024", (2024, 5, 0)),
        ("Travel rules 2022", (2022, 0, 0)),
        ("Heron 2025x", None),
        ("Order 120245", None),
        ("Heron 40", None),
    ],
)
def test_a_date_is_found_in_its_usual_forms(text: str, date: tuple[int, int, int] | None) -> None:
    assert find_date(text) == date


def test_the_title_is_asked_before_the_name_and_the_text() -> None:
    assert written_date(passage("Leave 2023", name="leave-2024.md")) == (2023, 0, 0)
    assert written_date(passage(name="leave-2024.md")) == (2024, 0, 0)
    assert written_date(passage(text="Effective from 1 May 2024. Leave is 25 days.")) == (2024, 5, 1)
    assert written_date(passage(text="The house was built in 1970.")) is None


def test_a_version_is_read_from_title_and_name() -> None:
    assert written_version(passage("Leave policy, version 2.1")) == (2, 1)
    assert written_version(passage(name="leave_v10.md")) is None
    assert written_version(passage(name="leave v10.md")) == (10,)


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (passage("Leave version 10"), passage("Leave version 9", changed_day=9)),
        (passage("Leave 2024"), passage("Leave 2023", changed_day=20_000)),
        (passage("Leave 2024-06"), passage("Leave 2024-05")),
        (passage(changed_day=20_000), passage("Leave 2023")),
        (passage(changed_day=2), passage(changed_day=1)),
    ],
)
def test_the_newer_of_two_documents(newer: Passage, older: Passage) -> None:
    assert is_newer(newer, older) is True
    assert is_newer(older, newer) is False


def test_two_documents_of_one_day_are_equally_new() -> None:
    assert is_newer(passage(), passage("Travel")) is None
