"""A question for several rows of a table gets all of them and no other."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rag_app.answering.assistant import ALL_PARTS, LOOKED_UP_CONFIDENCE, Assistant, Limits
from rag_app.answering.parts import Parts
from rag_app.answering.tables import MOST_ROWS, look_up, rows_for, table_around, without_bounds
from rag_app.assembly import Application
from rag_app.records import Answer, Chunk, Passage
from tests.fakes import FakeEmbedder, ListLibrary, WordEvidence, make_passages

ROOMS = (
    "Meeting rooms\n\nRooms are booked in the calendar.\n\n"
    "Room: Tern; Office: Oslo; Seats: 16; Equipment: two screens, video\n"
    "Room: Plover; Office: Oslo; Seats: 2\n"
    "Room: Loom; Office: Bergen; Seats: 24; Equipment: projector, video",
    "Room: Loom; Office: Bergen; Seats: 24; Equipment: projector, video\n"
    "Room: Boje; Office: Tromsø; Seats: 5; Equipment: whiteboard\n\nLeave the rooms tidy.",
)
WARNINGS = (
    "Step: Stays on file for\nConversation: 3 months\nFirst warning: 6 months\nFinal warning: 12 months\n"
    "Dismissal: for ever\n\n"
    "Nobody is dismissed for a first breach."
)


def chunks_of(passages: Sequence[Passage]) -> Callable[[int], list[Chunk]]:
    return lambda number: [p.chunk for p in passages if p.document.id == number]


def make_rooms(title: str = "Meeting rooms") -> list[Passage]:
    """Return two chunks of a table that overlap by a row."""
    first, second = make_passages(*ROOMS, title=title)
    start = first.chunk.end - len(ROOMS[1].splitlines()[0])
    moved = replace(second.chunk, start=start, end=start + len(ROOMS[1]))
    return [first, replace(second, chunk=moved)]


def found(question: str, passages: Sequence[Passage] | None = None) -> list[str] | None:
    passages = passages or make_rooms()
    rows = look_up(question, passages, chunks_of(passages))
    if rows is None:
        return None
    text = ROOMS[0] + ROOMS[1][len(ROOMS[1].splitlines()[0]) :]
    assert all(window.text == text[window.start : window.end] for window in rows.windows)
    return [window.text.split(";")[0].removeprefix("Room: ") for window in rows.windows]


@pytest.mark.parametrize(
    ("question", "rooms"),
    [
        ("Which meeting rooms are there?", ["Tern", "Plover", "Loom", "Boje"]),
        ("List all meeting rooms.", ["Tern", "Plover", "Loom", "Boje"]),
        ("How many seats does each room have?", ["Tern", "Plover", "Loom", "Boje"]),
        ("What are the rooms in Oslo?", ["Tern", "Plover"]),
        ("Which rooms have video?", ["Tern", "Loom"]),
        ("Which rooms in Oslo have video?", ["Tern"]),
        ("Which room has a projector?", ["Loom"]),
        ("Which rooms have more than 5 seats?", ["Tern", "Loom"]),
        ("Which rooms have at least 5 seats?", ["Tern", "Loom", "Boje"]),
        ("Which rooms in Oslo have fewer than 5 seats?", ["Plover"]),
        ("Which rooms have at most 16 seats?", ["Tern", "Plover", "Boje"]),
        ("Compare the rooms in Oslo and Bergen.", ["Tern", "Plover", "Loom"]),
        ("What are the seats of the Tern and the Boje?", ["Tern", "Boje"]),
        ("Which rooms have screens and video?", ["Tern"]),
    ],
)
def test_the_rows_that_fit_are_found_over_all_chunks(question: str, rooms: list[str]) -> None:
    assert found(question) == rooms


@pytest.mark.parametrize(
    "question",
    [
        "Which rooms have a kitchen?",
        "Which rooms have no video?",
        "Which rooms don't have video?",
        "Which rooms have more than 30 seats?",
        "Which rooms have more than 5 windows?",
        "Which rooms were repainted in Oslo?",
        "Which rooms in Oslo have a projector?",
        "Which rooms have a projector and a whiteboard?",
        "Which rooms have the most seats?",
        "Which room has the fewest seats?",
        "What are the seats of all rooms in total?",
        "Which rooms have more than 5 screens?",
        "How many seats are there in Oslo?",
        "Where is the Tern?",
    ],
)
def test_what_is_not_in_the_table_word_for_word_is_not_answered_by_it(question: str) -> None:
    assert found(question) is None


def test_a_table_that_a_heading_alone_names_is_none_that_answers() -> None:
    (passage,) = make_passages(ROOMS[0], title="Calendar")
    headed = replace(passage, chunk=replace(passage.chunk, heading="Calendar > Booking"))
    assert look_up("What are the calendar bookings?", [headed], chunks_of([headed])) is None


def test_a_document_that_is_a_table_is_named_by_its_title() -> None:
    (passage,) = make_passages("Grade: B1; Minimum: 23400\nGrade: B2; Minimum: 26000", title="salary bands")
    rows = look_up("List all the salary bands.", [passage], chunks_of([passage]))
    assert rows is not None
    assert (rows.count, rows.short_answer) == (2, "B1; B2")


def test_the_short_answer_has_the_column_that_is_asked_for() -> None:
    passages = make_rooms()
    asked = look_up("What are the seats in Oslo?", passages, chunks_of(passages))
    assert asked is not None
    assert asked.short_answer == "Tern: 16; Plover: 2"


def test_what_a_column_calls_otherwise_is_found() -> None:
    (prices,) = make_passages("Product: Saw; List price (GBP): 1,400\nProduct: Drill; List price (GBP): 90", title="x")
    rows = look_up("Which products cost less than 100 pounds?", [prices], chunks_of([prices]))
    assert rows is not None
    assert rows.short_answer == "Drill: 90"
    rows = look_up("Which products cost over £1,000?", [prices], chunks_of([prices]))
    assert rows is not None
    assert rows.short_answer == "Saw: 1,400"


def test_numbers_of_other_units_are_not_compared() -> None:
    text = "Record: Tickets; Kept for: 6 months\nRecord: Invoices; Kept for: 8 months"
    (records,) = make_passages(text, title="Records")
    rows = look_up("Which records are kept for more than 7 months?", [records], chunks_of([records]))
    assert rows is not None
    assert rows.short_answer == "Invoices: 8 months"
    assert look_up("Which records are kept for more than 2 weeks?", [records], chunks_of([records])) is None
    (mixed,) = make_passages(text.replace("8 months", "8 years"), title="Records")
    assert look_up("Which records are kept for more than 7 months?", [mixed], chunks_of([mixed])) is None


def span_of(passage: Passage, text: str) -> tuple[int, int]:
    start = passage.chunk.text.index(text)
    return start, start + len(text)


def test_lines_of_a_name_and_a_value_are_a_table_whose_first_may_name_the_columns() -> None:
    (passage,) = make_passages(WARNINGS, title="Disciplinary steps")
    span, chunks = span_of(passage, "3 months"), [passage.chunk]
    rows = rows_for("How long does each step stay on file?", passage, span, chunks)
    assert rows is not None
    assert [w.text for w in rows.windows] == WARNINGS.splitlines()[:5]
    named = rows_for("What are the times of the conversation and the dismissal?", passage, span, chunks)
    assert named is not None
    assert [w.text for w in named.windows] == [WARNINGS.splitlines()[n] for n in (1, 4)]
    assert rows_for("How long does a conversation stay on file?", passage, span, chunks) is None
    assert rows_for("Which steps are there?", passage, span_of(passage, "Nobody"), chunks) is None
    two_lines = make_passages("Name: Ann\nTown: Oslo\n\nMore.")[0]
    assert table_around(two_lines, (0, 4), [two_lines.chunk]) == []


def test_two_tables_in_one_section_are_told_apart() -> None:
    text = (
        "Plan: A; Price: 4\nPlan: B; Price: 6\n\nThe times follow.\n\nPriority: P1; A: 4 hours\nPriority: P2; A: 1 day"
    )
    (passage,) = make_passages(text)
    table = table_around(passage, span_of(passage, "1 day"), [passage.chunk])
    assert [row.cells[0] for row in table] == [("Priority", "P1"), ("Priority", "P2")]


def test_bounds_are_taken_out_of_a_search() -> None:
    assert without_bounds("Which rooms have more than 5 seats?") == "Which rooms have seats?"
    assert without_bounds("Which rooms have seats?") == "Which rooms have seats?"


def ask(question: str, *passages: Passage, parts: Parts = ALL_PARTS) -> Answer:
    library = ListLibrary(passages or make_rooms())
    assistant = Assistant(
        library, FakeEmbedder(), evidence=WordEvidence(), generator=None, limits=Limits(threshold=0.1), parts=parts
    )
    return assistant.ask(question).answer


def test_rows_are_quoted_each_with_its_own_citation() -> None:
    answer = ask("Which rooms have video?")
    assert [s.text for s in answer.sentences] == [ROOMS[0].splitlines()[4], ROOMS[0].splitlines()[6]]
    assert [c.quote for c in answer.citations] == [s.text for s in answer.sentences]
    assert {s.status for s in answer.sentences} == {"quoted"}
    assert answer.short_answer == "Tern; Loom"
    assert not answer.abstained
    assert len(ask("Which rooms have video?", parts=Parts(tables=False)).sentences) == 1


def test_of_a_long_table_the_first_rows_are_shown_and_all_are_counted() -> None:
    (passage,) = make_passages("\n".join(f"Part: P{n}; Price: {n}" for n in range(30)), title="parts")
    answer = ask("Which parts are there?", passage)
    assert len(answer.sentences) == MOST_ROWS
    assert answer.note == f"The first {MOST_ROWS} of 30 rows."


def test_a_superseded_table_is_looked_up_only_where_the_old_is_asked_for() -> None:
    old = make_rooms("Meeting rooms (superseded)")
    assert ask("Which rooms have video?", *old).confidence != LOOKED_UP_CONFIDENCE
    answer = ask("Which rooms had video in the old days?", *old)
    assert answer.note == "This is from a document that says it is superseded."


@pytest.mark.parametrize(
    ("question", "short"),
    [
        ("Which meeting rooms have more than 10 seats?", "Tern: 16; Loom: 24; Anker: 12"),
        ("What are the hotel limits in Norway and Germany?", "Germany: 125; Norway: 160"),
        ("Which products cost more than 2000 pounds?", "Heron 40: 2150; Otter 3: 2890; Otter 3 Channel: 3460"),
    ],
)
def test_the_sample_s_tables_are_looked_up(handbook: Application, question: str, short: str) -> None:
    answer = handbook.assistant.ask(question).answer
    assert answer.short_answer == short
    for citation in answer.citations:
        assert handbook.library.text(citation.document.id)[citation.start : citation.end] == citation.quote


def test_the_sample_s_tables_say_nothing_of_what_they_do_not_have(handbook: Application) -> None:
    for question in ("Which meeting rooms have a piano?", "Which suppliers deliver on Sundays?"):
        assert handbook.assistant.ask(question).answer.abstained, question
