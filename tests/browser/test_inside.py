"""Looking inside an answer and at the map of the collection, in a real browser with the real models."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import PATIENCE_MS, Server, Visit, serve, visit
from tests.browser.test_page import GARDEN, INJECTIONS, LIGHTHOUSE, QUESTION, fits

LONG = "a very long name of a document that nobody would ever want to read to its end " * 2
NAMES = {
    "lighthouse.md": LIGHTHOUSE,
    "garden.md": GARDEN,
    "دليل المنارة.md": "# دليل المنارة\n\nيُغلق البرج عند هبوب العاصفة.\n".encode(),
    f"{LONG}.md": b"# Storms\n\nThe tower is closed while a storm is near.\n",
    "<img src=x onerror=alert(1)>.md": (
        "# " + " ".join(INJECTIONS) + "\n\nThe boat house is painted yellow.\n"
    ).encode(),
}


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the page on a library of a few documents, some of which have odd names."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("documents")
    (home / "models").symlink_to(models)
    for name, text in NAMES.items():
        (folder / name).write_bytes(text)
    command = [sys.executable, "-m", "rag_app.cli", "ingest", str(folder)]
    subprocess.run(command, env=os.environ | {"RAG_APP_HOME": str(home)}, check=True, capture_output=True)
    yield from serve(home)


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


def look_inside(tab: Visit) -> Locator:
    tab.page.get_by_role("button", name="Look inside").click()
    inside = tab.page.locator(".inside")
    inside.wait_for(timeout=PATIENCE_MS)
    tab.settle()
    return inside


def wait_for_map(tab: Visit) -> Locator:
    chart = tab.page.get_by_test_id("stVegaLiteChart")
    chart.locator(".mark-symbol path").first.wait_for(timeout=PATIENCE_MS)
    tab.settle()
    return chart


def test_an_answer_shows_how_it_came_about_and_leads_to_the_map(tab: Visit, narrow: Visit) -> None:
    tab.open()
    tab.ask(QUESTION)
    inside = look_inside(tab)
    expect(inside.locator(".ranks li.cited")).to_contain_text("lighthouse.md")
    expect(inside.locator(".written .shown")).to_contain_text("The spare key of the lamp room hangs")
    expect(inside.locator(".times li").first).to_be_visible()
    assert inside.locator(".quiet").first.evaluate("e => getComputedStyle(e).color") == "rgb(98, 104, 95)"
    tab.shoot("inside-1440")
    for title in ("All numbers of the passages", "The prompt", "Signals, times, tokens and models"):
        inside.get_by_text(title).click()
    expect(inside.locator("pre").last).to_contain_text("The spare key of the lamp room hangs behind the blue door")
    expect(inside.locator("table")).to_contain_text("lighthouse.md")
    inside.locator(".times").scroll_into_view_if_needed()
    tab.check_access()
    tab.shoot("inside-numbers-1440")
    tab.page.keyboard.press("Escape")
    expect(inside).to_have_count(0)

    narrow.page.goto(tab.page.url)
    narrow.settle()
    inside = look_inside(narrow)
    assert inside.locator(".quiet").first.evaluate("e => getComputedStyle(e).color") == "rgb(163, 168, 159)"
    assert narrow.page.evaluate("document.querySelector('.inside').scrollWidth <= window.innerWidth")
    narrow.check_access()
    narrow.shoot("inside-360-dark")
    narrow.page.get_by_role("button", name="Show on the map").click()
    wait_for_map(narrow)
    expect(narrow.page.get_by_label("Place a question on the map")).to_have_value(QUESTION)
    expect(narrow.page.locator(".found li").first).to_contain_text("behind the blue door")
    assert fits(narrow)
    narrow.check_access()
    narrow.shoot("map-360-dark")


def test_every_point_of_the_map_tells_its_passage_and_nothing_in_it_is_markup(tab: Visit) -> None:
    tab.open("map")
    chart = wait_for_map(tab)
    points = chart.locator(".mark-symbol path")
    told = []
    for number in range(points.count()):
        # Away first: what the last point told may lie over the next.
        tab.page.locator("h1").hover()
        points.nth(number).hover(force=True)
        tip = tab.page.locator("#vg-tooltip-element.visible")
        tip.wait_for()
        assert tip.locator("img, script, a, svg, iframe, style").count() == 0
        told.append(tip.inner_text())
    assert any("<img src=x onerror=alert(1)>.md" in words for words in told)
    assert any("دليل المنارة.md" in words for words in told)
    expect(tab.page.locator(".legend")).to_contain_text("<img src=x onerror=alert(1)>.md")
    tab.shoot("map-names-1440")
    points.nth(next(i for i, words in enumerate(told) if "onerror=alert(1)>.md" in words)).click(force=True)
    picked = tab.page.locator(".st-key-map-picked")
    expect(picked).to_contain_text("The boat house is painted yellow.")
    assert picked.locator("img, iframe").count() == 0
    tab.page.get_by_label("Place a question on the map").fill("When is the tower closed?")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator(".found li").first).to_contain_text("while a storm is near", timeout=PATIENCE_MS)
    tab.check_access()
    tab.shoot("map-1440", whole=True)
    assert tab.strangers == []
    assert tab.dialogs == []
