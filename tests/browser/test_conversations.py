"""Conversations outlast reloads, tabs and the server, in a real browser with the real models."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, TimeoutError, expect

from tests.browser.conftest import PATIENCE_MS, Server, Visit, serve, visit
from tests.browser.test_page import GARDEN, LIGHTHOUSE, QUESTION

MOST_ATTEMPTS = 12
WRITTEN = "!document.querySelector('.writing') && document.querySelector('.standing')"


@pytest.fixture
def dark(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, dark=True)


@pytest.fixture
def second(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server)


def begin(tab: Visit, question: str = QUESTION, *, count: int = 1) -> None:
    """Type a question, the first or a later one, and return as soon as it is asked."""
    box = tab.page.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")
    expect(tab.page.locator(".question")).to_have_count(count, timeout=PATIENCE_MS)
    tab.page.wait_for_function("location.search.includes('c=')")


def test_a_reload_and_a_second_tab_find_the_answer_that_is_being_written(tab: Visit, second: Visit) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE), collection="reloads")
    tab.go_to("Chat")
    begin(tab)
    tab.page.reload()
    second.page.goto(tab.page.url)
    for page in (tab.page, second.page):
        page.wait_for_function(WRITTEN, timeout=PATIENCE_MS)
        expect(page.locator(".question")).to_have_count(1)
        expect(page.locator(".answer")).to_contain_text("behind the blue door")
    tab.shoot("reloaded-1440")


def test_an_answer_that_is_stopped_can_be_asked_for_again(tab: Visit) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE), collection="stopped")
    tab.go_to("Chat")
    stopped = tab.page.get_by_text("Stopped before the end.")
    count = 0
    while not stopped.count():
        # An answer may be whole before a browser on a busy machine has pressed anything: then another one is asked for.
        count += 1
        assert count <= MOST_ATTEMPTS
        begin(tab, f"{QUESTION} It is asked {count} times.", count=count)
        with suppress(TimeoutError):
            tab.page.get_by_role("button", name="Stop").click(timeout=2_000)
        expect(tab.page.locator(".writing")).to_have_count(0, timeout=PATIENCE_MS)
        tab.settle()
    tab.shoot("stopped-1440")
    tab.page.get_by_role("button", name="Ask again").last.click()
    expect(stopped).to_have_count(0, timeout=PATIENCE_MS)
    expect(tab.page.locator(".writing")).to_have_count(0, timeout=PATIENCE_MS)
    expect(tab.page.locator(".question")).to_have_count(count)


def test_what_a_reader_does_meanwhile_lets_an_answer_be_written(tab: Visit) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE), collection="meanwhile")
    tab.go_to("Chat")
    tab.ask(QUESTION)
    box = tab.page.get_by_test_id("stChatInputTextArea")
    box.fill("Who keeps the key of the lamp room?")
    box.press("Enter")
    expect(tab.page.locator(".question")).to_have_count(2, timeout=PATIENCE_MS)
    # Each of these runs the page's script anew.
    tab.page.locator("a.cite").first.click()
    box.fill("How often is the lamp cleaned?")
    box.press("Enter")
    expect(tab.page.locator(".question")).to_have_count(3, timeout=PATIENCE_MS)
    tab.page.get_by_role("button", name="Close").click()
    expect(tab.page.locator(".writing")).to_have_count(0, timeout=PATIENCE_MS)
    expect(tab.page.locator(".st-key-panel")).to_have_count(0, timeout=PATIENCE_MS)
    expect(tab.page.locator(".answer")).to_have_count(3)
    expect(tab.page.get_by_text("Stopped before the end.")).to_have_count(0)
    tab.shoot("meanwhile-1440")


def test_a_server_that_is_killed_loses_nothing_and_leaves_no_spinner(
    chromium: Browser, models: Path, tmp_path: Path
) -> None:
    (tmp_path / "models").symlink_to(models)
    address = ""
    for server in serve(tmp_path):
        for tab in visit(chromium, server):
            tab.open("library")
            tab.add(("lighthouse.md", LIGHTHOUSE))
            tab.go_to("Chat")
            begin(tab)
            os.kill(server.pid, 9)
            address = tab.page.url.split("?")[1]
    for server in serve(tmp_path):
        for tab in visit(chromium, server):
            tab.open(f"?{address}")
            expect(tab.page.locator(".question")).to_have_text(QUESTION)
            expect(tab.page.locator(".writing")).to_have_count(0)
            expect(tab.page.get_by_text("Stopped before the end.")).to_be_visible()
            tab.shoot("killed-1440")
            tab.page.get_by_role("button", name="Ask again").first.click()
            tab.page.wait_for_function(WRITTEN, timeout=PATIENCE_MS)


def test_a_conversation_is_renamed_exported_found_and_deleted(tab: Visit) -> None:
    tab.open("library")
    tab.add(("garden.md", GARDEN), collection="kept")
    tab.go_to("Chat")
    tab.ask("When is garlic planted?")
    tab.page.locator('.st-key-open-row [data-testid="stPopoverButton"]').click()
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Markdown").click()
    assert "October" in Path(download.value.path()).read_text(encoding="utf-8")
    tab.shoot("conversation-menu-1440")
    title = tab.page.get_by_role("textbox", name="Title")
    title.fill("Garlic in the garden")
    title.press("Enter")
    tab.settle()
    expect(tab.page.locator(".st-key-open-row")).to_contain_text("Garlic in the garden")
    tab.page.keyboard.press("Escape")
    search = tab.page.get_by_role("textbox", name="Search conversations")
    search.fill("no such words anywhere")
    search.press("Enter")
    expect(tab.page.get_by_text("No conversation has these words.")).to_be_visible()
    search.fill("garlic october")
    search.press("Enter")
    tab.settle()
    tab.page.locator('.st-key-open-row [data-testid="stPopoverButton"]').click()
    tab.page.get_by_test_id("stPopoverBody").get_by_role("button", name="Delete").click()
    tab.page.get_by_test_id("stDialog").get_by_role("button", name="Delete").click()
    expect(tab.page.locator(".opening")).to_be_visible()
    expect(tab.page.locator(".st-key-open-row")).to_have_count(0)


def test_nothing_on_the_pages_keeps_people_out(tab: Visit, dark: Visit) -> None:
    for visited, name in ((tab, "light"), (dark, "dark")):
        visited.open("library")
        visited.add(("lighthouse.md", LIGHTHOUSE), collection=name)
        visited.check_access()
        visited.go_to("Chat")
        visited.check_access()
        visited.ask(QUESTION)
        visited.page.locator("a.cite").first.click()
        expect(visited.page.locator(".st-key-panel .view mark")).to_be_in_viewport()
        visited.check_access()
