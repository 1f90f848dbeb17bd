"""A passage in its surroundings is drawn as what it is, and nothing in it is markup."""

from bs4 import BeautifulSoup

from rag_app.sources import Kind, SourceView
from tests.test_ui_answers import EVIL, make_citation
from ui.source_html import source_html

ROWS = "Name: Ada; Year: 1843\nName: Bob; Year: 1901\nName: Cleo; Year: 1950"


def drawn(text: str, passage: str, kind: Kind = "text") -> BeautifulSoup:
    low = text.index(passage)
    high = low + len(passage)
    document = make_citation().document
    view = SourceView(document, kind, "same", low, high, text[:low], passage, text[high:])
    return BeautifulSoup(source_html(view), "html.parser")


def test_rows_in_running_text_are_a_table_between_the_text_around_them() -> None:
    page = drawn(f"Who kept it?\n\n{ROWS}\n\nThe end; see above.", "Name: Bob; Year: 1901")
    assert [part.name for part in page.find_all(recursive=False)] == ["div", "div", "div"]
    assert [cell.get_text() for cell in page.select("th")] == ["Name", "Year"]
    assert [cell.get_text() for cell in page.select("tr.marked td")] == ["Bob", "1901"]
    assert [mark.get_text() for mark in page.select("mark")] == ["Bob", "1901"]
    assert [run.get_text() for run in page.select(".run")] == ["Who kept it?\n\n", "\nThe end; see above."]


def test_a_passage_that_begins_in_text_and_ends_in_a_table_is_marked_in_both() -> None:
    page = drawn(f"Intro.\nWho kept it?\n{ROWS}", "kept it?\nName: Ada; Year: 1843")
    assert [mark.get_text() for mark in page.select("mark")] == ["kept it?\n", "Ada", "1843"]


def test_a_line_that_only_looks_like_a_row_stays_text() -> None:
    page = drawn("Two things: one; and this: two.\nThe end.", "The end.")
    assert not page.select("table")
    assert page.get_text() == "Two things: one; and this: two.\nThe end."


def test_a_sheet_of_one_column_is_a_table() -> None:
    page = drawn("Name: Ada\nName: Bob", "Name: Bob", kind="table")
    assert [cell.get_text() for cell in page.select("tr.marked td")] == ["Bob"]


def test_code_has_the_numbers_of_its_lines_and_can_be_scrolled_by_keyboard() -> None:
    page = drawn("a = 1\nb = 2\n", "b = 2", kind="code")
    (block,) = page.select("pre")
    assert block["tabindex"] == "0"
    assert [mark.get_text() for mark in block.select("mark")] == ["b = 2"]
    assert [number.get_text() for number in block.select(".at")] == ["1", "2", "3"]


def test_nothing_in_a_source_is_markup() -> None:
    kinds: tuple[Kind, ...] = ("text", "table", "code")
    for kind in kinds:
        page = drawn(f"{EVIL}\nName: {EVIL}; Year: {EVIL}\nName: x; Year: y\n{EVIL}", "Name: x; Year: y", kind=kind)
        assert not page.select("img, script, a, svg, iframe, style")
