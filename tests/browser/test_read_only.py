"""A page that is shared to be read: whoever opens it asks and reads, and changes nothing, in a real browser."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, Server, Visit, serve, visit
from tests.browser.test_page import LIGHTHOUSE, QUESTION, fits
from tests.browser.test_quality import thumb
from tests.browser.test_scope import choose


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a read-only page on a library of one document and a file that could not be read."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("documents")
    (home / "models").symlink_to(models)
    (folder / "lighthouse.md").write_bytes(LIGHTHOUSE)
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7\n1 0 obj <<")
    command = [sys.executable, "-m", "rag_app.cli", "ingest", str(folder)]
    subprocess.run(command, env=os.environ | {"RAG_APP_HOME": str(home)}, capture_output=True)
    yield from serve(home, "--read-only")


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360, dark=True)


def test_a_read_only_page_answers_and_shows_everything_and_lets_nobody_change_anything(
    tab: Visit, narrow: Visit
) -> None:
    tab.open("library")
    expect(tab.page.locator(".read-only")).to_contain_text("This page is read-only")
    expect(tab.page.get_by_test_id("stFileUploaderDropzoneInput")).to_have_count(0)
    tab.page.get_by_text("1 file could not be read").click()
    expect(tab.page.locator(".failed .reason")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Try again")).to_have_count(0)
    tab.check_access()
    tab.shoot("read-only-library-1440", whole=True)
    choose(tab, "lighthouse")
    expect(tab.page.locator(".reading")).to_contain_text("second landing")
    expect(tab.page.get_by_role("button", name="Remove 1 document")).to_have_count(0)

    tab.go_to("Chat")
    tab.ask(QUESTION)
    expect(tab.page.locator(".answer").last).to_contain_text("behind the blue door")
    thumb(tab, "up").click()
    expect(tab.page.get_by_text("You found this helpful.")).to_be_visible(timeout=PATIENCE_MS)

    tab.go_to("Quality")
    tab.page.get_by_role("button", name="Save as evaluation file").wait_for(timeout=PATIENCE_MS)
    expect(tab.page.get_by_role("button", name="Delete all feedback")).to_have_count(0)
    narrow.open("settings")
    expect(narrow.page.locator(".read-only")).to_contain_text("may ask, read, judge answers")
    for slider in narrow.page.get_by_role("slider").all():
        expect(slider).to_be_disabled()
    narrow.check_access()
    narrow.shoot("read-only-settings-dark-360")
    assert fits(narrow)
    assert not (tab.server.home / "rag_app.toml").exists()
