"""What values say of themselves."""

from dataclasses import replace

import pytest

from rag_app.printing import out, show_answer
from rag_app.records import Citation, Sentence, is_item, stand_apart
from tests.test_ui_answers import make_answer, make_citation

TEXT = "Open at nine. Closed at five. Saws cost a fee. Room: Tern; Seats: 4\nRoom: Boje; Seats: 5"


def quotes(*parts: str) -> tuple[list[Sentence], list[Citation]]:
    cited = [replace(make_citation(TEXT, part), number=n) for n, part in enumerate(parts, start=1)]
    return [Sentence(part, "quoted", (n,)) for n, part in enumerate(parts, start=1)], cited


@pytest.mark.parametrize(
    ("parts", "apart"),
    [
        (["Open at nine.", "Saws cost a fee."], True),
        (["Saws cost a fee.", "Open at nine."], True),
        (["Open at nine.", "Closed at five."], False),
        (["Open at nine.", "Closed at five.", "Room: Tern; Seats: 4"], False),
        (["Room: Tern; Seats: 4", "Room: Boje; Seats: 5"], True),
        (["Open at nine."], False),
    ],
)
def test_quotes_from_here_and_there_stand_apart_and_a_paragraph_does_not(parts: list[str], *, apart: bool) -> None:
    assert stand_apart(*quotes(*parts)) is apart


def test_what_was_written_is_no_list_of_quotes() -> None:
    sentences, citations = quotes("Open at nine.", "Saws cost a fee.")
    assert not stand_apart([replace(sentences[0], status="supported"), sentences[1]], citations)
    assert stand_apart(sentences, citations[:1])
    other = replace(citations[1], document=replace(citations[1].document, id=2), start=citations[0].end + 1)
    assert stand_apart(sentences, [citations[0], other])


def test_rows_and_items_have_lines_of_their_own() -> None:
    assert is_item(Sentence("Room: Tern; Seats: 4", "quoted"))
    assert is_item(Sentence("- by post", "quoted"))
    assert not is_item(Sentence("Goods are returned.", "quoted"))


def test_a_terminal_has_a_line_for_each_quote_that_stands_apart() -> None:
    sentences, citations = quotes("Open at nine.", "Saws cost a fee.")
    answer = replace(make_answer(*sentences), citations=tuple(citations), note="In its own words.")
    with out.capture() as captured:
        show_answer(answer)
    assert captured.get().splitlines()[:3] == ["In its own words.", "• Open at nine. [1]", "• Saws cost a fee. [2]"]
