"""What readers think of answers, and the page that shows how questions fare, in a real browser with the real models."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from rag_app.evaluation.datasets import read_questions
from tests.browser.conftest import PATIENCE_MS, Server, Visit, visit
from tests.browser.test_page import INJECTIONS, LIGHTHOUSE, QUESTION, fits

EVIL = "Who feeds the gulls? " + " ".join(INJECTIONS)


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


def thumb(tab: Visit, way: str) -> Locator:
    return tab.page.get_by_role("radio", name=f"Thumbs {way}").last


def rows_below_answer(tab: Visit) -> int:
    """Count the rows in which what can be done with the latest answer stands."""
    buttons = tab.page.locator('[class*="st-key-below-"]').last.locator('button, [role="radio"]').all()
    boxes = [box for box in (button.bounding_box() for button in buttons) if box]
    return len({round((box["y"] + box["height"] / 2) / 16) for box in boxes})


def wait_for_groups(tab: Visit) -> None:
    expect(tab.page.get_by_text("Grouping the questions…")).to_have_count(0, timeout=PATIENCE_MS)
    tab.settle()


def test_a_page_without_questions_says_so_and_how_a_report_is_made(tab: Visit) -> None:
    tab.open("quality")
    expect(tab.page.get_by_text("No questions were asked here in this time.")).to_be_visible()
    expect(tab.page.get_by_text("No answer was judged in this time.")).to_be_visible()
    expect(tab.page.locator("pre.command")).to_contain_text("rag-app eval report --out")
    expect(tab.page.get_by_role("button", name="Delete all feedback")).to_have_count(0)
    tab.check_access()
    tab.shoot("quality-empty-1440", whole=True)


def test_answers_are_judged_by_keyboard_counted_exported_and_forgotten(tab: Visit, narrow: Visit) -> None:
    tab.open("library")
    tab.add(("lighthouse.md", LIGHTHOUSE))
    tab.go_to("Chat")
    tab.ask(QUESTION)
    assert rows_below_answer(tab) == 1
    thumb(tab, "up").focus()
    tab.page.keyboard.press("Space")
    expect(tab.page.get_by_text("You found this helpful.")).to_be_visible()
    tab.page.reload()
    expect(thumb(tab, "up")).to_be_checked(timeout=PATIENCE_MS)
    tab.settle()
    thumb(tab, "up").click()
    expect(tab.page.get_by_text("Did this help?")).to_be_visible()
    thumb(tab, "down").click()
    tab.page.get_by_text("The cited passage does not say this").click()
    tab.page.get_by_role("textbox", name="The right answer, if you know it").fill("behind the <b>blue</b> door")
    tab.page.get_by_role("textbox", name="In your words").fill(INJECTIONS[1])
    tab.check_access()
    tab.shoot("feedback-1440", whole=True)
    tab.page.get_by_role("button", name="Keep", exact=True).click()
    expect(tab.page.locator(".verdict")).to_contain_text("Right would be: behind the <b>blue</b> door")
    tab.page.reload()
    expect(tab.page.locator(".verdict")).to_contain_text(INJECTIONS[1], timeout=PATIENCE_MS)
    tab.settle()
    for question in (EVIL, "Is there a pool?", "Is there a swimming pool?"):
        tab.ask(question)
    thumb(tab, "up").click()
    expect(tab.page.get_by_text("You found this helpful.")).to_be_visible()
    tab.settle()

    tab.go_to("Quality")
    wait_for_groups(tab)
    expect(tab.page.locator(".numbers-row")).to_contain_text("of 2 judged")
    group = tab.page.locator(".lacks details")
    expect(group).to_have_count(1)
    expect(group).to_contain_text("asked 2 times")
    tab.page.get_by_text("Asked once").click()
    expect(tab.page.locator(".passages li", has_text="Who feeds the gulls?")).to_contain_text(INJECTIONS[0])
    expect(tab.page.locator("table.bars").last).to_contain_text("The cited passage does not say this")
    expect(tab.page.locator('[role="graphics-document"]').first).to_have_accessible_name(
        "A line through the answer rate of each day, from 25% to 25%; the lowest is 25%, the highest 25%."
    )
    tab.check_access()
    tab.shoot("quality-1440", whole=True)
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Save as evaluation file").click()
    rows = {row.question: row for row in read_questions(Path(download.value.path()))}
    assert rows[QUESTION].answers == ("behind the <b>blue</b> door",)
    assert [row.answerable for row in rows.values() if row.question != QUESTION] == [False]

    narrow.open("quality")
    wait_for_groups(narrow)
    assert fits(narrow)
    narrow.check_access()
    narrow.shoot("quality-360-dark", whole=True)
    narrow.page.locator(".lacks summary").first.click()
    narrow.page.locator(".lacks li a").first.click()
    expect(narrow.page.locator(".question").first).to_have_text(QUESTION, timeout=PATIENCE_MS)
    narrow.settle()
    assert fits(narrow)
    assert rows_below_answer(narrow) == 2
    narrow.shoot("feedback-360-dark", whole=True)

    tab.page.get_by_role("button", name="Delete all feedback").click()
    tab.page.get_by_test_id("stDialog").get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_text("Deleted 2 verdicts.")).to_be_visible()
    expect(tab.page.get_by_text("No answer was judged in this time.")).to_be_visible()
    for visited in (tab, narrow):
        assert visited.strangers == []
        assert visited.dialogs == []


def test_a_report_in_the_home_is_shown_with_its_curves_and_nothing_else(tab: Visit) -> None:
    folder = tab.server.home / "report"
    folder.mkdir()
    figures = "| | ours |\n| --- | ---: |\n| contains | 0.59 |\n"
    text = f"# Figures\n\n{figures}\n![Risk and coverage](risk.png)\n\n" + "\n\n".join(INJECTIONS)
    (folder / "report.md").write_text(text, encoding="utf-8")
    (folder / "report.json").write_text(json.dumps({"version": "0.1"}), encoding="utf-8")
    tab.open("library")
    (folder / "risk.png").write_bytes(tab.page.screenshot())
    tab.go_to("Quality")
    tab.page.get_by_text("Read the report").click()
    expect(tab.page.get_by_role("img", name="Risk and coverage")).to_be_visible()
    expect(tab.page.locator(".report table").first).to_contain_text("0.59")
    expect(tab.page.locator(".report").last).to_contain_text(INJECTIONS[0])
    tab.check_access()
    tab.shoot("quality-report-1440", whole=True)
    field = tab.page.get_by_role("textbox", name="Folder of another report")
    field.fill(str(tab.server.home / "nothing"))
    field.press("Enter")
    expect(tab.page.get_by_text("There is no report.md that can be read in")).to_be_visible()
    assert tab.strangers == []
    assert tab.dialogs == []
