"""The map without a pointer, and with one: both reach every passage, in a real browser with the real models."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import PATIENCE_MS, ROOT, Server, Visit, serve, visit
from tests.browser.test_inside import wait_for_map
from tests.browser.test_page import GARDEN, LIGHTHOUSE, fits


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the page on a library of some documents."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("documents")
    (home / "models").symlink_to(models)
    (folder / "lighthouse.md").write_bytes(LIGHTHOUSE)
    (folder / "garden.md").write_bytes(GARDEN)
    for file in sorted((ROOT / "data" / "handbook" / "hr").glob("*.md")):
        (folder / file.name).write_bytes(file.read_bytes())
    command = [sys.executable, "-m", "rag_app.cli", "ingest", str(folder)]
    subprocess.run(command, env=os.environ | {"RAG_APP_HOME": str(home)}, check=True, capture_output=True)
    yield from serve(home)


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


RINGED = """(before) => {
    const rings = [...document.querySelectorAll('[data-testid=stVegaLiteChart] path[stroke="#111111"]')];
    return rings.length === 1 && rings[0].getAttribute("transform") !== before;
}"""


def ring(tab: Visit, *, other_than: str | None = None) -> str:
    """Wait until one passage is ringed, elsewhere than before; return where. The chart is drawn after the page."""
    tab.page.wait_for_function(RINGED, arg=other_than)
    return str(tab.page.get_by_test_id("stVegaLiteChart").locator('path[stroke="#111111"]').get_attribute("transform"))


def zoom(tab: Visit) -> None:
    """Zoom into the middle of the map, and wait until it is at rest."""
    chart = tab.page.get_by_test_id("stVegaLiteChart")
    box = chart.bounding_box()
    assert box
    last = "[...document.querySelectorAll('[data-testid=stVegaLiteChart] .mark-symbol path')].at(-1)"
    place = f"{last}.getAttribute('transform')"
    before = tab.page.evaluate(place)
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.keyboard.down("Shift")
    tab.page.mouse.wheel(0, -200)
    tab.page.keyboard.up("Shift")
    tab.page.wait_for_function(f"before => {place} !== before", arg=before)
    tab.settle()


def within(tab: Visit) -> Locator:
    """Return a point that is seen: the last drawn, which no other lies upon."""
    chart = tab.page.get_by_test_id("stVegaLiteChart")
    frame = chart.bounding_box()
    assert frame
    for point in reversed(chart.locator(".mark-symbol path").all()):
        box = point.bounding_box()
        across = box and frame["x"] + 20 < box["x"] < frame["x"] + frame["width"] - 40
        if box and across and frame["y"] + 20 < box["y"] < frame["y"] + frame["height"] - 40:
            return point
    raise AssertionError("No point is seen")


def await_option(field: Locator, option: Locator) -> None:
    """Wait until Enter would take an option, as a reader does who sees it marked: the list is drawn after the key."""
    expect(option).to_have_attribute("data-focused", "true", timeout=PATIENCE_MS)
    expect(field).to_have_attribute("aria-activedescendant", str(option.get_attribute("id")), timeout=PATIENCE_MS)


def test_a_reader_without_a_pointer_goes_from_passage_to_passage(tab: Visit) -> None:
    tab.open("map")
    wait_for_map(tab)
    document = tab.page.get_by_role("combobox", name="Document")
    document.focus()
    tab.page.keyboard.type("lighthouse")
    await_option(document, tab.page.get_by_role("option", name="lighthouse.md"))
    tab.page.keyboard.press("Enter")
    read = tab.page.locator(".st-key-map-picked")
    expect(read.get_by_role("status")).to_contain_text("lighthouse.md", timeout=PATIENCE_MS)
    tab.settle()
    expect(document).to_be_focused()
    first = ring(tab)
    tab.check_access()
    tab.shoot("map-walk-1440", whole=True)

    passage = tab.page.get_by_role("combobox", name="Passage (of 2)")
    passage.focus()
    tab.page.keyboard.press("ArrowDown")
    visitors = tab.page.get_by_role("option", name="Visitors")
    visitors.wait_for()
    tab.page.keyboard.press("ArrowDown")
    await_option(passage, visitors)
    tab.page.keyboard.press("Enter")
    expect(read.get_by_role("status")).to_contain_text("Visitors may climb the tower", timeout=PATIENCE_MS)
    tab.settle()
    second = ring(tab, other_than=first)

    onward = tab.page.locator('[class*="st-key-map-next-"] button').first
    onward.focus()
    assert onward.evaluate("e => { const s = getComputedStyle(e); return s.boxShadow + s.outlineStyle; }") != "nonenone"
    tab.page.keyboard.press("Enter")
    expect(read.get_by_role("status")).not_to_contain_text("Visitors may climb the tower", timeout=PATIENCE_MS)
    tab.settle()
    expect(onward).to_be_focused()
    ring(tab, other_than=second)
    assert tab.strangers == []


def test_a_click_a_question_and_the_fields_agree_about_what_is_read(tab: Visit, narrow: Visit) -> None:
    tab.open("map")
    wait_for_map(tab)
    zoom(tab)
    point = within(tab)
    where = point.get_attribute("transform")
    point.click(force=True)
    read = tab.page.locator(".st-key-map-picked")
    expect(read).to_be_visible(timeout=PATIENCE_MS)
    tab.settle()
    name = read.locator(".head .name").first.inner_text()
    expect(tab.page.get_by_role("combobox", name="Document")).to_have_value(name)
    # Where it was clicked: the map is still zoomed.
    assert ring(tab) == where
    tab.page.locator('[class*="st-key-map-next-"] button').first.press("Enter")
    ring(tab, other_than=where)
    narrow.open("map")
    wait_for_map(narrow)
    field = narrow.page.get_by_label("Place a question on the map")
    field.fill("When may visitors climb the tower?")
    field.press("Enter")
    go = narrow.page.get_by_role("button", name="Go to passage 1")
    go.focus(timeout=PATIENCE_MS)
    narrow.settle()
    go.press("Enter")
    expect(narrow.page.locator(".st-key-map-picked").get_by_role("status")).to_contain_text(
        "Visitors may climb the tower", timeout=PATIENCE_MS
    )
    narrow.settle()
    ring(narrow)
    assert fits(narrow)
    narrow.check_access()
    narrow.shoot("map-walk-dark-360", whole=True)
    tab.shoot("map-clicked-1440", whole=True)
