"""What a reader does on the page, done in a real browser with the real models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, ROOT, Server, Visit, serve, visit

LIGHTHOUSE = b"""# Lighthouse handbook

## Keys

The spare key of the lamp room hangs behind the blue door on the second landing.
It must be returned to the keeper before nightfall.

## Visitors

Visitors may climb the tower on Saturdays between 10:00 and 16:00. A ticket costs 4 euros.
"""
GARDEN = b"""# Garden calendar

Tomatoes are sown indoors in March and planted out after the last frost in May.
Garlic is planted in October and harvested in July. Water the beds in the evening.
"""
QUESTION = "Where does the spare key of the lamp room hang?"
INJECTIONS = [
    "<script>alert('script')</script>",
    '<img src="http://evil.example/image.png" onerror="alert(1)">',
    "![picture](http://evil.example/markdown.png)",
    "[link](javascript:alert('link'))",
    '<a href="javascript:alert(1)">anchor</a>',
    '<svg onload="alert(1)"><image href="http://evil.example/svg.png"/></svg>',
    '<iframe src="http://evil.example/frame"></iframe>',
    "<style>body { background: url(http://evil.example/style.png) }</style>",
    '</blockquote></details><link rel="stylesheet" href="http://evil.example/link.css">',
]


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360)


@pytest.fixture
def dark(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, dark=True)


@pytest.fixture
def neighbour(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server)


@pytest.fixture
def empty(chromium: Browser, models: Path, tmp_path: Path) -> Iterator[Visit]:
    """A tab on a page of its own, whose library has nothing in it."""
    (tmp_path / "models").symlink_to(models)
    for server in serve(tmp_path):
        yield from visit(chromium, server)


def fits(tab: Visit) -> bool:
    """Say whether nothing sticks out of the screen sideways."""
    return bool(tab.page.evaluate("document.querySelector('.stMain').scrollWidth <= window.innerWidth"))


def test_an_upload_is_cited_and_once_removed_no_longer_known(tab: Visit) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE), ("garden.md", GARDEN))
    expect(tab.page.locator(".board li.stored")).to_have_count(2)
    tab.shoot("library-1440")

    tab.go_to("Chat")
    tab.ask(QUESTION)
    expect(tab.page.locator(".answer").last).to_contain_text("behind the blue door")
    tab.shoot("answer-1440")
    tab.page.locator("a.cite").first.hover()
    expect(tab.page.locator(".tip").first).to_be_visible()
    tab.page.locator("a.cite").first.click()
    quote = tab.page.locator(".st-key-panel .view mark")
    expect(quote).to_be_in_viewport()
    assert "behind the blue door" in quote.inner_text()
    assert quote.inner_text() in " ".join(LIGHTHOUSE.decode().split())
    tab.shoot("citation-1440")
    tab.page.get_by_role("button", name="Close").click()
    expect(tab.page.locator(".st-key-panel")).to_have_count(0)
    tab.settle()

    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="lighthouse.md").click()
    assert Path(download.value.path()).read_bytes() == LIGHTHOUSE

    tab.go_to("Library")
    tab.page.get_by_placeholder("Filter by name or title").fill("lighthouse")
    tab.page.get_by_placeholder("Filter by name or title").press("Enter")
    expect(tab.page.get_by_text("1 document,")).to_be_visible()
    tab.select_row(0)
    expect(tab.page.locator(".reading")).to_contain_text("second landing")
    tab.shoot("document-1440", whole=True)
    tab.page.get_by_role("button", name="Remove 1 document").click()
    expect(tab.page.get_by_text("1 uploaded file will be deleted.")).to_be_visible()
    tab.shoot("remove-1440")
    tab.page.get_by_role("button", name="Remove", exact=True).click()
    expect(tab.page.get_by_text("Removed lighthouse.md")).to_be_visible()
    assert not list((tab.server.home / "uploads").rglob("lighthouse.md"))

    tab.go_to("Chat")
    expect(tab.page.get_by_text("What stood here was removed from the library.")).to_be_visible()
    expect(tab.page.locator(".stMain")).not_to_contain_text("blue door")
    tab.ask(QUESTION)
    last = tab.page.locator(".answer").last
    expect(last).to_contain_text("Not in the documents")
    expect(last.locator("a.cite")).to_have_count(0)
    last.locator(".passages summary").click()
    expect(last.locator(".passages li").first).to_be_visible()
    tab.shoot("abstention-1440")


def test_a_bad_upload_is_refused_with_its_reason_and_the_good_one_beside_it_is_taken(tab: Visit) -> None:
    tab.open("library")
    tab.add(("torn.pdf", b"%PDF-1.7\n1 0 obj <<"), ("empty.pdf", b""), ("fine.md", GARDEN), collection="mixed")
    expect(tab.page.locator(".board li.stored")).to_have_text([r"fine.mdadded"])
    refused = tab.page.locator(".board li.failed")
    expect(refused).to_have_count(2)
    for line in refused.all():
        assert len(line.locator(".reason").inner_text()) > 10
    tab.shoot("refused-1440")
    kept = sorted(path.name for path in (tab.server.home / "uploads" / "mixed").iterdir())
    assert kept == ["fine.md"]


def test_nothing_in_a_document_a_name_or_a_question_is_executed_or_loaded(tab: Visit) -> None:
    tab.open("library")
    lines = "\n\n".join(f"The harbour master's payload number {n} is {text}" for n, text in enumerate(INJECTIONS))
    name = "![pier](http:%2F%2Fevil.example%2Fname.png) <img src=x onerror=alert(1)>.txt"
    titled = b"# <script>alert('title')</script> ![t](http://evil.example/title.png)\n\nThe harbour closes at night."
    collection = "harbour ![c](http://evil.example/c.png) <b>"
    tab.add((name, lines.encode()), ("titled.md", titled), collection=collection)
    expect(tab.page.locator(".board li.stored")).to_have_count(2)
    tab.page.get_by_role("combobox", name="Ask in").click()
    tab.page.get_by_role("option", name="harbour").click()
    tab.settle()
    tab.page.get_by_placeholder("Filter by name or title").fill("pier")
    tab.page.get_by_placeholder("Filter by name or title").press("Enter")
    expect(tab.page.get_by_text("1 document,")).to_be_visible()
    tab.select_row(0)
    expect(tab.page.locator(".reading")).to_contain_text("<script>alert('script')</script>")
    tab.page.get_by_role("tab", name="Chunks").click()
    tab.shoot("injection-library-1440", whole=True)
    tab.page.get_by_role("button", name="Remove 1 document").click()
    expect(tab.page.get_by_role("dialog")).to_contain_text("evil.example")
    tab.page.get_by_role("button", name="Keep").click()
    tab.go_to("Chat")
    expect(tab.page.locator(".st-key-examples")).to_contain_text("![pier]")
    for question in ("What is the harbour master's payload number 0?", *INJECTIONS[1:4]):
        tab.ask(question)
    expect(tab.page.locator(".question").last).to_have_text(INJECTIONS[3])
    for passages in tab.page.locator(".passages summary").all():
        passages.click()
    tab.shoot("injection-chat-1440", whole=True)
    tab.page.locator("a.cite").first.click()
    expect(tab.page.locator(".st-key-panel .view")).to_contain_text("<script>alert('script')</script>")
    tab.shoot("injection-panel-1440")
    main = tab.page.locator(".stMain")
    for foreign in ("img[src*=evil]", "iframe", "svg image", "a[href*=evil]", "a[href^=javascript]", "link"):
        expect(main.locator(foreign)).to_have_count(0)
    assert tab.dialogs == []
    assert tab.strangers == []


def test_an_empty_library_says_how_to_fill_it_and_then_offers_questions(empty: Visit) -> None:
    empty.open()
    expect(empty.page.get_by_role("heading", name="Nothing to ask yet")).to_be_visible()
    expect(empty.page.get_by_test_id("stChatInputTextArea")).to_be_disabled()
    empty.shoot("empty-1440")
    empty.add(("garden.md", GARDEN))
    expect(empty.page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    empty.shoot("opening-1440")
    example = empty.page.locator(".st-key-examples button").first
    words = example.inner_text().split("\n")[-1]
    example.click()
    expect(empty.page.locator(".question")).to_have_text(words)
    expect(empty.page.locator(".standing")).to_be_visible(timeout=PATIENCE_MS)
    assert empty.strangers == []


def test_a_reader_who_comes_anew_begins_a_conversation_of_their_own(tab: Visit, neighbour: Visit) -> None:
    tab.open("library")
    tab.add(("garden.md", GARDEN), collection="shared")
    tab.go_to("Chat")
    tab.ask("When is garlic planted?")
    neighbour.open()
    expect(neighbour.page.locator(".question")).to_have_count(0)
    expect(neighbour.page.locator(".opening")).to_be_visible()
    tab.page.get_by_role("button", name="New chat").click()
    expect(tab.page.locator(".question")).to_have_count(0)
    expect(tab.page.locator(".opening")).to_be_visible()


def test_the_page_fits_a_phone(narrow: Visit) -> None:
    narrow.open("library")
    narrow.add(("lighthouse.md", LIGHTHOUSE), collection="phone")
    narrow.shoot("library-360")
    assert fits(narrow)
    narrow.open()
    narrow.shoot("opening-360")
    assert fits(narrow)
    narrow.ask(QUESTION)
    narrow.shoot("answer-360")
    narrow.page.locator("a.cite").first.click()
    expect(narrow.page.locator(".st-key-panel .view mark")).to_be_in_viewport()
    narrow.shoot("citation-360")
    assert fits(narrow)


def test_a_citation_mark_can_be_reached_and_followed_by_keyboard(dark: Visit) -> None:
    dark.open("library")
    dark.shoot("library-dark-1440")
    dark.add(("lighthouse.md", LIGHTHOUSE), collection="keys")
    dark.go_to("Chat")
    dark.ask(QUESTION)
    mark = dark.page.locator("a.cite").first
    mark.focus()
    expect(dark.page.locator(".tip").first).to_be_visible()
    mark.press("Enter")
    expect(dark.page.locator(".st-key-panel .view mark")).to_be_in_viewport()
    expect(dark.page.locator(".st-key-panel .view")).to_be_focused()
    dark.shoot("citation-dark-1440")
    dark.page.keyboard.press("Escape")
    expect(dark.page.locator(".st-key-panel")).to_have_count(0)
    expect(mark).to_be_focused()


def test_documents_that_disagree_are_shown_side_by_side(tab: Visit, narrow: Visit) -> None:
    tab.open("library")
    handbook = ROOT / "data" / "handbook"
    files = ("hr/leave-policy.md", "archive/leave-policy-2023.md")
    tab.add(*(((handbook / name).name, (handbook / name).read_bytes()) for name in files), collection="leave")
    for visited, width in ((tab, 1440), (narrow, 360)):
        visited.open()
        visited.ask("How many days of annual leave may be carried over into the next year?")
        sides = visited.page.locator(".side")
        expect(sides).to_have_count(2)
        expect(sides.first).to_contain_text("6 unused days")
        expect(sides.last).to_contain_text("dated 2023")
        expect(sides.last).to_contain_text("3 unused days")
        visited.shoot(f"sides-{width}")
