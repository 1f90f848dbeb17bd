"""Chosen documents are asked alone, and what could be asked next is offered, in a real browser with the real models."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, Server, Visit, visit
from tests.browser.test_page import GARDEN, LIGHTHOUSE, QUESTION, fits

LONG_NAME = "a-name-without-any-blank-that-goes-on-and-on-" * 4 + ".md"
HEBREW = "# מגדלור\n\nהמפתח של חדר המנורה תלוי מאחורי הדלת הכחולה. The key of the boat house hangs on a nail.\n"
HANDBOOK = b"""# Leave at the mill

## How much leave there is

Full-time employees have 27 days of annual leave in each calendar year.

## Carrying leave over

Up to 6 unused days may be carried over into the next year.

## Repairs

The usual repair takes 5 working days.
"""


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


@pytest.fixture
def neighbour(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server)


def choose(tab: Visit, *names: str) -> None:
    """Select documents in the library by filtering for them."""
    tab.page.get_by_placeholder("Filter by name or title").fill(" ".join(names))
    tab.page.get_by_placeholder("Filter by name or title").press("Enter")
    expect(tab.page.get_by_text("1 document,")).to_be_visible()
    tab.page.get_by_test_id("stDataFrame").scroll_into_view_if_needed()
    tab.settle()
    tab.select_row(0)


def test_chosen_documents_are_asked_alone_until_the_restriction_is_lifted(
    tab: Visit, narrow: Visit, neighbour: Visit
) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE), ("garden.md", GARDEN), collection="scoped")
    choose(tab, "garden")
    tab.page.get_by_role("button", name="Ask this document").click()
    asked = tab.page.locator(".asked")
    expect(asked).to_contain_text("Asking only garden.md")
    expect(tab.page.get_by_placeholder("Ask this document")).to_be_visible()
    tab.settle()
    tab.check_access()
    tab.shoot("scope-opening-1440")

    tab.ask(QUESTION)
    expect(tab.page.locator(".answer").last).to_contain_text("Not in the documents")
    tab.shoot("scope-abstention-1440")
    tab.page.reload()
    expect(asked).to_contain_text("garden.md", timeout=PATIENCE_MS)
    neighbour.open()
    expect(neighbour.page.locator(".asked")).to_have_count(0)
    narrow.page.goto(tab.page.url)
    expect(narrow.page.locator(".asked")).to_contain_text("garden.md", timeout=PATIENCE_MS)
    narrow.settle()
    narrow.shoot("scope-dark-360")
    assert fits(narrow)

    tab.page.locator('[class*="st-key-everywhere-"] button').click()
    tab.page.locator(".answer", has_text="behind the blue door").wait_for(timeout=PATIENCE_MS)
    tab.settle()
    expect(asked).to_have_count(0)


def test_a_removed_document_drops_out_of_what_is_asked_and_that_is_said(tab: Visit) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE), collection="dropped")
    choose(tab, "lighthouse", "dropped")
    tab.page.get_by_role("button", name="Ask this document").click()
    expect(tab.page.locator(".asked")).to_be_visible()
    tab.settle()
    tab.ask(QUESTION)
    expect(tab.page.locator(".answer").last).to_contain_text("blue door")
    tab.go_to("Library")
    choose(tab, "lighthouse", "dropped")
    tab.page.get_by_role("button", name="Remove 1 document").click()
    tab.page.get_by_role("button", name="Remove", exact=True).click()
    expect(tab.page.get_by_text("Removed lighthouse.md")).to_be_visible(timeout=PATIENCE_MS)
    tab.go_to("Chat")
    expect(tab.page.locator(".asked")).to_have_text("The chosen document has since been removed from the library.")
    expect(tab.page.get_by_test_id("stChatInputTextArea")).to_be_disabled()
    tab.shoot("scope-removed-1440")
    tab.page.locator(".st-key-ask-all button").click()
    expect(tab.page.locator(".asked")).to_have_count(0)
    expect(tab.page.get_by_test_id("stChatInputTextArea")).to_be_enabled()


def test_a_question_that_is_suggested_is_answered_from_its_own_sentence(tab: Visit) -> None:
    tab.open("library")
    tab.add(("mill.md", HANDBOOK), collection="mill")
    choose(tab, "mill.md")
    tab.page.get_by_role("button", name="Ask this document").click()
    expect(tab.page.locator(".asked")).to_be_visible()
    tab.settle()
    tab.ask("How many unused days may be carried over into the next year?")
    tab.page.locator("h3.next").wait_for(timeout=PATIENCE_MS)
    tab.settle()
    tab.check_access()
    tab.shoot("suggestions-1440")
    offered = tab.page.locator('[class*="st-key-next-"] button').first
    words = offered.inner_text().split("\n")[-1]
    offered.focus()
    offered.press("Enter")
    expect(tab.page.locator(".question").last).to_have_text(words)
    tab.page.locator(".question").nth(1).wait_for(timeout=PATIENCE_MS)
    tab.settle()
    expect(tab.page.locator(".standing").last).not_to_contain_text("Not in the documents")
    expect(tab.page.locator(".answer").last.locator("a.cite").first).to_be_visible()


def test_long_names_and_writing_from_right_to_left_stay_within_the_page(narrow: Visit) -> None:
    narrow.open("library")
    narrow.add((LONG_NAME, HEBREW.encode()), collection="odd")
    assert fits(narrow)
    choose(narrow, "a-name-without")
    narrow.shoot("long-name-dark-360", whole=True)
    assert fits(narrow)
    narrow.page.get_by_role("button", name="Ask this document").click()
    expect(narrow.page.locator(".asked")).to_be_visible()
    narrow.settle()
    narrow.ask("Where does the key of the boat house hang?")
    narrow.shoot("long-name-answer-dark-360")
    assert fits(narrow)
    narrow.page.locator("a.cite").first.click()
    expect(narrow.page.locator(".st-key-panel .view mark")).to_be_in_viewport()
    narrow.shoot("long-name-panel-dark-360")
    assert fits(narrow)
    narrow.check_access()
