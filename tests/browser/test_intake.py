"""Documents come in by the page: many, whole folders, folders of the server; watched, stopped, and after a kill."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PATIENCE_MS, Server, Visit, serve, visit
from tests.browser.test_page import GARDEN, LIGHTHOUSE, fits

MANY = 200


@pytest.fixture
def narrow(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, width=360)


@pytest.fixture
def dark(chromium: Browser, server: Server) -> Iterator[Visit]:
    yield from visit(chromium, server, dark=True)


def many(count: int, entries: int) -> list[dict[str, object]]:
    """Return so many files to upload, each with so many chunks of its own words."""
    return [
        {"name": f"note-{number}.md", "mimeType": "text/markdown", "buffer": notes(number, entries).encode()}
        for number in range(count)
    ]


def notes(number: int, entries: int) -> str:
    return "\n\n".join(f"## Entry {n}\n\nIn year {number * 100 + n} there were {n} owls." for n in range(entries))


def begin(tab: Visit, count: int, *, entries: int) -> None:
    """Upload files, and return as soon as they are being ingested."""
    tab.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(many(count, entries))  # type: ignore[arg-type]
    tab.page.get_by_role("button", name=f"Add {count} files").click(timeout=PATIENCE_MS)
    tab.page.locator('.intake[data-state="running"] progress').wait_for(timeout=PATIENCE_MS)


def choose_folder(tab: Visit, folder: Path | str, collection: str) -> None:
    """Type the path of a folder of the server, and the collection it is for."""
    tab.page.get_by_test_id("stButtonGroup").get_by_text("On the server").click()
    tab.page.get_by_role("textbox", name="Folder on the server").fill(str(folder))
    box = tab.page.get_by_role("combobox", name="Collection")
    box.fill(collection)
    box.press("Enter")
    tab.settle()


def test_many_files_come_in_while_the_reader_walks_about_and_can_be_stopped(tab: Visit, narrow: Visit) -> None:
    tab.open("library")
    begin(tab, MANY, entries=60)
    expect(tab.page.locator(".intake .doing")).to_contain_text(f"of {MANY} files")
    tab.shoot("intake-running-1440")
    tab.check_access()
    tab.go_to("Chat")
    expect(tab.page.locator(".intake-line")).to_contain_text("Adding")
    tab.shoot("intake-elsewhere-1440")
    narrow.open("library")
    narrow.page.locator(".intake progress").wait_for()
    narrow.shoot("intake-running-360")
    assert fits(narrow)
    tab.go_to("Library")
    tab.page.get_by_role("button", name="Stop", exact=True).click()
    for visited in (tab, narrow):
        expect(visited.page.locator('.intake[data-state="stopped"][data-done]')).to_be_visible(timeout=PATIENCE_MS)
    expect(tab.page.locator(".intake .doing")).to_contain_text("What was added stays")
    tab.shoot("intake-stopped-1440")
    kept = {path.name for path in (tab.server.home / "uploads" / "default").iterdir()}
    assert len(kept) < MANY
    expect(tab.page.locator(".count").first).to_contain_text(f"{len(kept)} document")


def test_a_whole_folder_is_uploaded_with_its_paths_and_without_what_is_no_document(tab: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    for name, data in (
        ("garden.md", GARDEN),
        ("tower/keys.md", LIGHTHOUSE),
        ("tower/.hidden/secret.md", b"# Secret"),
        ("program.bin", b"\x7fELF\0\0"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    tab.open("library")
    before = tab.latest_job()
    tab.page.get_by_test_id("stButtonGroup").get_by_text("A folder", exact=True).click()
    tab.settle()
    tab.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(folder)
    box = tab.page.get_by_role("combobox", name="Collection")
    box.fill("folders")
    box.press("Enter")
    tab.page.locator('[class*="st-key-add-"] button:enabled').click(timeout=PATIENCE_MS)
    expect(tab.page.get_by_text("2 files left out")).to_be_visible()
    tab.wait_for_job(before)
    expect(tab.page.locator(".board li.stored .name")).to_have_text(["papers/garden.md", "papers/tower/keys.md"])
    tab.shoot("intake-folder-1440")
    kept = tab.server.home / "uploads" / "folders"
    assert (kept / "papers/tower/keys.md").read_bytes() == LIGHTHOUSE
    assert not list(kept.rglob("secret.md"))


def test_uploads_that_fail_are_listed_with_what_to_do_and_can_be_dismissed(tab: Visit, narrow: Visit) -> None:
    tab.open("library")
    tab.add(("torn.pdf", b"%PDF-1.7\n1 0 obj <<"), ("fine.md", GARDEN), collection="failing")
    expect(tab.page.locator(".board li.failed .reason")).to_be_visible()
    tab.shoot("intake-failed-1440")
    listed = tab.page.get_by_text("1 file could not be read")
    listed.click()
    tab.page.wait_for_timeout(700)
    entry = tab.page.locator('[class*="st-key-failure-"]', has_text="torn.pdf")
    expect(entry).to_contain_text("Add it again once it is mended")
    entry.scroll_into_view_if_needed()
    tab.shoot("intake-failures-1440")
    tab.check_access()
    narrow.open("library")
    narrow.page.get_by_text("1 file could not be read").click()
    narrow.page.get_by_role("button", name="Dismiss").scroll_into_view_if_needed()
    narrow.page.wait_for_timeout(700)
    narrow.shoot("intake-failures-360")
    assert fits(narrow)
    entry.get_by_role("button", name="Dismiss").click()
    expect(listed).to_have_count(0)


def test_a_folder_on_the_server_is_looked_at_ingested_and_watched_until_that_is_stopped(
    tab: Visit, dark: Visit, tmp_path: Path
) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "garden.md").write_bytes(GARDEN)
    (folder / "lighthouse.md").write_bytes(LIGHTHOUSE)
    page = tab.page
    tab.open("library")
    choose_folder(tab, folder / "nowhere", "server")
    page.get_by_role("button", name="Ingest").click()
    expect(page.get_by_text("does not exist")).to_be_visible()
    tab.shoot("intake-no-folder-1440")
    choose_folder(tab, tab.server.home, "server")
    page.get_by_role("button", name="Watch").click()
    expect(page.get_by_text("belongs to rag_app itself")).to_be_visible()

    choose_folder(tab, folder, "server")
    before = tab.latest_job()
    page.get_by_role("button", name="See what would change").click()
    tab.wait_for_job(before)
    expect(page.locator(".changes li").first).to_contain_text("garden.md, lighthouse.md")
    tab.shoot("intake-look-1440")

    page.get_by_role("button", name="Watch").click()
    watched = page.locator("ul.watched li")
    expect(watched).to_contain_text("Last change", timeout=PATIENCE_MS)
    expect(page.locator(".st-key-watched .board li.stored")).to_have_count(2)
    (folder / "garden.md").rename(folder / "calendar.md")
    expect(page.locator(".st-key-watched .board li", has_text="from garden.md")).to_be_visible(timeout=PATIENCE_MS)
    expect(watched).to_contain_text("1 moved", timeout=PATIENCE_MS)
    tab.shoot("intake-watched-1440", whole=True)
    tab.check_access()
    dark.open("library")
    expect(dark.page.locator(".watched li")).to_contain_text("watching")
    dark.shoot("intake-watched-dark-1440", whole=True)
    page.get_by_role("button", name="Stop watching").click()
    expect(watched).to_have_count(0)


def test_a_killed_server_goes_on_with_the_uploads_and_the_watched_folder(
    chromium: Browser, models: Path, tmp_path: Path
) -> None:
    home, folder = tmp_path / "home", tmp_path / "documents"
    home.mkdir()
    folder.mkdir()
    (home / "models").symlink_to(models)
    for server in serve(home):
        for tab in visit(chromium, server):
            tab.open("library")
            choose_folder(tab, folder, "server")
            tab.page.get_by_role("button", name="Watch").click()
            expect(tab.page.locator(".watched li")).to_contain_text("watching", timeout=PATIENCE_MS)
            tab.page.get_by_test_id("stButtonGroup").get_by_text("Files", exact=True).click()
            begin(tab, 40, entries=30)
            os.kill(server.pid, 9)
    (folder / "garden.md").write_bytes(GARDEN)
    for server in serve(home):
        wait_until_settled(home)  # Before anybody opens the page.
        for tab in visit(chromium, server, width=360):
            tab.open("library")
            tab.page.wait_for_function(
                "document.querySelector('.stMain').innerText.includes('41 documents')", timeout=PATIENCE_MS
            )
            expect(tab.page.locator(".watched li")).to_contain_text("watching", timeout=PATIENCE_MS)
            tab.shoot("intake-taken-up-360", whole=True)
            assert fits(tab)
    assert len(list((home / "uploads" / "default").iterdir())) == 40


def wait_until_settled(home: Path) -> None:
    """Wait until no upload waits any more."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while list((home / "uploads" / ".waiting").iterdir()):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_files_dropped_while_the_page_is_drawn_anew_are_taken(tab: Visit) -> None:
    tab.open("library")
    drop = """([name, before]) => {
        const input = document.querySelector('[data-testid="stFileUploaderDropzoneInput"]'), files = new DataTransfer();
        files.items.add(new File(["# Owls"], name));
        const steps = [
            () => { input.files = files.files; input.dispatchEvent(new Event("change", { bubbles: true })); },
            () => document.querySelector(".st-key-refresh-page button").click(),
        ];
        for (const step of before ? steps.reverse() : steps) step();
    }"""
    for number in range(12):
        tab.page.evaluate(drop, [f"owls-{number}.md", bool(number % 2)])
        tab.settle()
    expect(tab.page.get_by_role("button", name="Add 12 files")).to_be_enabled(timeout=PATIENCE_MS)
