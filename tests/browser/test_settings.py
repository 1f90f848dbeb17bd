"""The settings page: what is changed holds for the next question, and what is told is so, in a real browser."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from rag_app.settings import load_settings
from tests.browser.conftest import Server, Visit, visit
from tests.browser.test_page import LIGHTHOUSE, QUESTION, fits

COMMENTED = "# keep this line\npassages = 9 # and this one\n"


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


def threshold_of(server: Server) -> float:
    return load_settings(environ={"RAG_APP_HOME": str(server.home)}).threshold


def test_a_threshold_that_is_set_holds_for_the_next_question(tab: Visit) -> None:
    file = tab.server.home / "rag_app.toml"
    file.write_text(COMMENTED)
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE))
    tab.go_to("Chat")
    tab.ask(QUESTION)
    expect(tab.page.locator(".answer").last).to_contain_text("blue door")

    tab.go_to("Settings")
    expect(tab.page.locator(".meaning")).to_contain_text("1 in 5 shown answers")
    slider = tab.page.get_by_role("slider", name="How sure rag_app must be to answer")
    slider.focus()
    slider.press("End")
    tab.settle()
    expect(slider).to_be_focused()
    expect(tab.page.locator(".meaning")).to_contain_text("So little is answered")
    assert threshold_of(tab.server) == 1.0
    assert file.read_text().startswith(COMMENTED)
    tab.shoot("settings-changed-1440")

    tab.page.get_by_role("link", name="Chat", exact=True).click()
    tab.settle()
    tab.ask(f"{QUESTION} Please tell.")
    expect(tab.page.locator(".answer").last).to_contain_text("Not in the documents")
    tab.go_to("Settings")
    tab.page.get_by_role("button", name="Back to the defaults").click()
    tab.settle()
    assert threshold_of(tab.server) == 0.4
    assert "# keep this line" in file.read_text()


def test_the_settings_tell_what_is_at_work_and_fit_a_phone(tab: Visit, narrow: Visit) -> None:
    for visited, name in ((tab, "settings-1440"), (narrow, "settings-dark-360")):
        visited.open("settings")
        expect(visited.page.get_by_role("heading", name="Models")).to_be_visible()
        expect(visited.page.locator(".models li")).to_have_count(3)
        visited.page.locator("details.passages summary").click()
        visited.page.get_by_role("button", name="Show the connections").click()
        expect(visited.page.locator(".notice.good")).to_contain_text("all from this very computer")
        visited.settle()
        visited.check_access()
        height = visited.page.locator(".stMainBlockContainer").bounding_box()
        assert height
        visited.page.set_viewport_size(
            {"width": visited.page.viewport_size["width"], "height": int(height["height"]) + 100}  # type: ignore[index]
        )
        visited.settle()
        visited.shoot(name)
        assert fits(visited)
        assert visited.strangers == []


def test_a_theme_is_chosen_by_keyboard_and_holds_on_every_page_after_a_reload(tab: Visit) -> None:
    def expect_background(scheme: str) -> None:
        within = "document.querySelector('.stApp') || document.body"
        tab.page.wait_for_function(f"getComputedStyle({within}).colorScheme === '{scheme}'")

    tab.open("settings")
    expect_background("light")
    dark = tab.page.get_by_role("button", name="Dark", exact=True)
    dark.focus()
    dark.press("Enter")
    expect_background("dark")
    expect(dark).to_have_attribute("aria-pressed", "true")
    expect(dark).to_be_focused()
    tab.shoot("settings-chosen-dark-1440")
    tab.check_access()
    for path in ("library", "", "settings"):
        tab.open(path)
        expect_background("dark")
    tab.page.get_by_role("button", name="Light", exact=True).click()
    expect_background("light")
    expect(tab.page.get_by_role("button", name="Light", exact=True)).to_have_attribute("aria-pressed", "true")
