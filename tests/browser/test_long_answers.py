"""Very long answers, wide tables, code and writing from right to left, in a real browser beside the real models."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from rag_app.library import Library
from rag_app.records import Answer, Document
from tests.browser.conftest import PATIENCE_MS, Server, Visit, visit
from tests.browser.seeding import answer_of, grown, library_of, seed
from tests.browser.test_page import fits

COLUMNS = ["Article", "Stock", "Price", "Place", "Contact", *(f"Week {week}" for week in range(30, 38))]
ROWS = [
    [f"Bolt {n}", f"{n * 7 % 31}", f"{n * 13 % 97} EUR", f"shelf {n % 9}", f"keeper-{n % 17}@example.org"]
    + [f"{n * week % 101}" for week in range(30, 38)]
    for n in range(1, 251)
]
STOCK = "\n".join(",".join(row) for row in [COLUMNS, *ROWS])
DEPOT = "\n".join(
    ["# Depot", "", "What lies in the depot.", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    + [f"| {' | '.join(row)} |" for row in ROWS[:30]]
)
KETTLE = 'def boil(water):\n    """Say how the kettle boils its water."""\n    return "' + "very slowly, " * 40 + '"\n'
TOWER = "# مدرسة البحارة\n\nيفتح البرج للزوار يوم السبت من 10:00 إلى 16:00.\n\nסעיף: המפתח תלוי מאחורי הדלת הכחולה.\n"
ASKED = "متى يفتح البرج؟"
TOP = "document.querySelector('.answer .sentence').getBoundingClientRect().top"


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


@pytest.fixture(scope="module")
def library(server: Server, chromium: Browser) -> Iterator[Library]:
    """The page's library, with documents that are long, wide and odd."""
    for tab in visit(chromium, server):
        tab.open("library")
        texts = {"stock.csv": STOCK, "depot.md": DEPOT, "kettle.py": KETTLE, "برج.md": TOWER}
        tab.add(*((name, text.encode()) for name, text in texts.items()))
    with library_of(server.home) as library:
        yield library


def document_named(library: Library, name: str) -> Document:
    return next(document for document in library.documents() if document.name == name)


def answer_from(library: Library, name: str, sentences: int, question: str = "What is there?") -> Answer:
    return answer_of(library, document_named(library, name), sentences=sentences, question=question)


def read(tab: Visit, conversation: str) -> None:
    """Open a conversation whose answer is whole."""
    tab.open(f"?c={conversation}")
    tab.page.locator(".standing").wait_for(timeout=PATIENCE_MS)
    tab.settle()


def open_last_source(tab: Visit) -> None:
    tab.page.locator("a.cite").last.click()
    expect(tab.page.locator(".st-key-panel .view mark").first).to_be_in_viewport(timeout=PATIENCE_MS)
    tab.settle()


def overflow(tab: Visit, what: str) -> str:
    """Say how the first element of the opened source that matches treats what is wider than it."""
    style = "(e) => e.scrollWidth > e.clientWidth ? getComputedStyle(e).overflowX : 'fits'"
    return str(tab.page.locator(f".st-key-panel {what}").first.evaluate(style))


def test_a_very_long_answer_from_a_table_of_hundreds_of_rows_stays_within_the_page(
    library: Library, tab: Visit, narrow: Visit
) -> None:
    turn = seed(library, answer_from(library, "stock.csv", 40))
    for visited, width in ((tab, 1440), (narrow, 360)):
        read(visited, turn.conversation_id)
        expect(visited.page.locator(".sentence")).to_have_count(40, timeout=PATIENCE_MS)
        assert fits(visited)
        visited.shoot(f"long-answer-{width}")
        open_last_source(visited)
        assert overflow(visited, ".wide") == "auto"
        expect(visited.page.locator(".st-key-panel tr.marked").first).to_be_visible()
        assert visited.page.locator(".st-key-panel tr").count() > 20
        for always in (visited.page.locator(".st-key-panel th").first, visited.page.locator(".st-key-close-panel")):
            expect(always).to_be_in_viewport(ratio=0.9)
        assert fits(visited)
        visited.check_access()
        visited.shoot(f"long-table-{width}")
        rows = visited.page.locator(".st-key-panel .wide")
        rows.focus()
        visited.page.keyboard.press("ArrowRight")
        visited.page.wait_for_function("document.querySelector('.st-key-panel .wide').scrollLeft > 0")


def test_a_table_within_running_text_and_code_scroll_inside_themselves(
    library: Library, tab: Visit, narrow: Visit
) -> None:
    turns = [seed(library, answer_from(library, name, count)) for name, count in (("depot.md", 9), ("kettle.py", 1))]
    for visited, width in ((tab, 1440), (narrow, 360)):
        for turn, what in zip(turns, (".wide", "pre"), strict=True):
            read(visited, turn.conversation_id)
            open_last_source(visited)
            assert overflow(visited, what) == "auto"
            assert fits(visited)
            visited.check_access()
            visited.shoot(f"wide-{what.removeprefix('.')}-{width}")


def test_an_answer_from_right_to_left_is_set_from_right_to_left_everywhere(
    library: Library, tab: Visit, narrow: Visit
) -> None:
    turn = seed(library, answer_from(library, "برج.md", 1, ASKED))
    for visited, width in ((tab, 1440), (narrow, 360)):
        read(visited, turn.conversation_id)
        open_last_source(visited)
        for what in (".question", ".prose", ".source blockquote", ".st-key-panel .run"):
            expect(visited.page.locator(what).first).to_have_css("direction", "rtl")
        assert fits(visited)
        visited.check_access()
        visited.shoot(f"right-to-left-{width}")


def test_an_answer_grows_without_moving_what_is_read_also_where_another_server_writes_it(
    library: Library, tab: Visit, narrow: Visit
) -> None:
    whole = answer_from(library, "stock.csv", 12, "What lies in the depot?")
    turn = library.conversations.begin(whole.question)
    tabs = (tab, narrow)
    for visited in tabs:
        visited.page.goto(f"{visited.server.url}/?c={turn.conversation_id}")
        expect(visited.page.locator(".stage")).to_contain_text("Another program", timeout=PATIENCE_MS)
    places: list[float] = []
    for count in (1, 2, 6, 12):
        assert library.conversations.keep(turn.id, grown(whole, count), state="asked")
        for visited in tabs:
            expect(visited.page.locator(".writing .sentence")).to_have_count(count, timeout=PATIENCE_MS)
        places = places or [visited.page.evaluate(TOP) for visited in tabs]
        stays_put(tabs, places)
    tab.shoot("growing-1440")
    narrow.shoot("growing-360")
    assert library.conversations.keep(turn.id, whole, state="answered")
    for visited in tabs:
        visited.page.locator(".standing").wait_for(timeout=PATIENCE_MS)
        visited.settle()
        expect(visited.page.locator(".writing")).to_have_count(0)
        expect(visited.page.get_by_role("button", name="Stop")).to_have_count(0)
    stays_put(tabs, places)


def stays_put(tabs: tuple[Visit, ...], places: list[float]) -> None:
    """Fail where the first sentence comes to rest elsewhere than where it stood, or the page is too wide."""
    for visited, place in zip(tabs, places, strict=True):
        visited.page.wait_for_function(f"(place) => Math.abs({TOP} - place) < 2", arg=place, timeout=PATIENCE_MS)
        assert fits(visited)


def test_an_answer_that_another_server_writes_can_be_stopped_here(library: Library, tab: Visit) -> None:
    whole = answer_from(library, "stock.csv", 2, "What lies in the depot now?")
    turn = library.conversations.begin(whole.question)
    assert library.conversations.keep(turn.id, grown(whole, 1), state="asked")
    tab.page.goto(f"{tab.server.url}/?c={turn.conversation_id}")
    expect(tab.page.locator(".writing .sentence")).to_have_count(1, timeout=PATIENCE_MS)
    tab.page.get_by_role("button", name="Stop").click(timeout=PATIENCE_MS)
    expect(tab.page.get_by_text("Stopped before the end.").last).to_be_visible(timeout=PATIENCE_MS)
    tab.settle()
    assert library.conversations.turn(turn.id).state == "stopped"
    assert not library.conversations.keep(turn.id, whole, state="answered")
    tab.page.reload()
    expect(tab.page.get_by_role("button", name="Ask again")).to_be_visible(timeout=PATIENCE_MS)
    expect(tab.page.locator(".writing")).to_have_count(0)
