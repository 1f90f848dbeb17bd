"""What is done with a turn after its answer: judged, asked again, gone on from, by mouse and by keyboard alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from rag_app.library import Library
from tests.browser.conftest import PATIENCE_MS, Server, Visit, visit
from tests.browser.seeding import answer_of, grown, library_of, seed
from tests.browser.test_page import LIGHTHOUSE, QUESTION, fits
from tests.browser.test_scope import HANDBOOK

FOCUSED = "document.activeElement.closest('[class*=st-key-]')?.className || document.activeElement.className"


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


@pytest.fixture(scope="module")
def library(server: Server, chromium: Browser) -> Iterator[Library]:
    """The page's library, with two documents."""
    for tab in visit(chromium, server):
        tab.open("library")
        tab.add(("lighthouse.md", LIGHTHOUSE), ("mill.md", HANDBOOK))
    with library_of(server.home) as library:
        yield library


def seeded(library: Library, *, sentences: int = 2) -> tuple[int, str]:
    """Keep a conversation of one answered question; return the ids of its turn and its own."""
    document = next(document for document in library.documents() if document.name == "lighthouse.md")
    turn = seed(library, answer_of(library, document, sentences=sentences, question=QUESTION))
    return turn.id, turn.conversation_id


def thumb(tab: Visit, way: str) -> Locator:
    return tab.page.get_by_role("radio", name=f"Thumbs {way}").first


def walk_to(tab: Visit, part: str, *, key: str = "Tab") -> None:
    """Press a key until the focus is in a part of the page, named by its key."""
    for _ in range(60):
        tab.page.keyboard.press(key)
        if f"st-key-{part}" in tab.page.evaluate(FOCUSED):
            return
    raise AssertionError(f"{part} cannot be reached with {key}")


def test_a_judged_answer_stays_with_its_verdict_when_its_question_is_asked_again(library: Library, tab: Visit) -> None:
    turn_id, conversation_id = seeded(library)
    tab.open(f"?c={conversation_id}")
    thumb(tab, "down").click(timeout=PATIENCE_MS)
    form = tab.page.get_by_test_id("stForm")
    form.wait_for(timeout=PATIENCE_MS)
    tab.settle()
    inner, outer = form.bounding_box(), tab.page.locator(".answer").bounding_box()
    assert inner
    assert outer
    assert abs(inner["width"] - outer["width"]) <= 1
    tab.page.get_by_role("textbox", name="In your words").fill("Too long")
    tab.page.get_by_role("button", name="Keep", exact=True).click()
    expect(tab.page.locator(".verdict")).to_contain_text("Too long", timeout=PATIENCE_MS)
    tab.settle()
    tab.page.get_by_role("button", name="Ask again").click()
    expect(tab.page.locator(".question")).to_have_count(2, timeout=PATIENCE_MS)
    tab.page.locator(".answer:not(.writing)").nth(1).wait_for(timeout=PATIENCE_MS)
    tab.settle()
    expect(tab.page.locator(".verdict")).to_contain_text("Too long")
    tab.shoot("asked-again-1440", whole=True)
    kept = library.feedback.of(turn_id)
    assert kept
    assert kept.words == "Too long"

    tab.page.locator('.st-key-open-row [data-testid="stPopoverButton"]').click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="JSON").click()
    written = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [turn["feedback"] and turn["feedback"]["words"] for turn in written["turns"]] == ["Too long", None]


def test_a_thumb_that_is_pressed_while_another_answer_is_written_is_kept_at_once(
    library: Library, tab: Visit, narrow: Visit
) -> None:
    turn_id, conversation_id = seeded(library)
    document = next(document for document in library.documents() if document.name == "mill.md")
    whole = answer_of(library, document, sentences=2, question="How much leave is there?")
    following = library.conversations.ask(conversation_id, whole.question)
    library.conversations.keep(following.id, grown(whole, 1), state="asked")
    for visited, way, words in ((tab, "up", "You found this helpful."), (narrow, "down", "You did not find this")):
        visited.page.goto(f"{visited.server.url}/?c={conversation_id}")
        expect(visited.page.locator(".writing .sentence")).to_have_count(1, timeout=PATIENCE_MS)
        thumb(visited, way).click(timeout=PATIENCE_MS)
        expect(visited.page.get_by_text(words)).to_be_visible(timeout=PATIENCE_MS)
        expect(visited.page.locator(".writing .sentence")).to_have_count(1)
        kept = library.feedback.of(turn_id)
        assert kept
        assert kept.helpful == (way == "up")
        assert fits(visited)
    assert library.conversations.turn(following.id).state == "asked"
    narrow.shoot("judged-while-writing-360")
    library.conversations.keep(following.id, whole, state="answered")
    for visited in (tab, narrow):
        expect(visited.page.locator(".standing")).to_have_count(2, timeout=PATIENCE_MS)


def test_what_could_be_asked_next_and_the_documents_that_are_asked_are_reached_by_keyboard_on_a_phone(
    library: Library, narrow: Visit
) -> None:
    document = next(document for document in library.documents() if document.name == "mill.md")
    question = "How many days of annual leave do employees have?"
    turn = library.conversations.begin(question, documents=[document.id])
    # From its first section: what the others say can be asked for.
    whole = answer_of(library, document, sentences=1, question=question)
    library.conversations.keep(turn.id, whole, state="answered")
    narrow.open(f"?c={turn.conversation_id}")
    narrow.page.locator("h3.next").wait_for(timeout=PATIENCE_MS)
    narrow.settle()
    narrow.check_access()
    assert fits(narrow)
    narrow.page.locator("h3.next").scroll_into_view_if_needed()
    narrow.shoot("suggestions-360")
    narrow.page.get_by_test_id("stChatInputTextArea").focus()
    walk_to(narrow, "ask-all", key="Shift+Tab")
    narrow.page.keyboard.press("Enter")
    expect(narrow.page.locator(".asked")).to_have_count(0, timeout=PATIENCE_MS)
    narrow.settle()
    narrow.page.locator("h3.next").wait_for(timeout=PATIENCE_MS)
    narrow.settle()
    narrow.page.get_by_test_id("stChatInputTextArea").focus()
    walk_to(narrow, "next-", key="Shift+Tab")
    words = str(narrow.page.evaluate("document.activeElement.innerText")).split("\n")[-1]
    narrow.page.keyboard.press("Enter")
    expect(narrow.page.locator(".question")).to_have_count(2, timeout=PATIENCE_MS)
    expect(narrow.page.locator(".question").last).to_have_text(words)
    expect(narrow.page.locator(".standing")).to_have_count(2, timeout=PATIENCE_MS)
    assert fits(narrow)
