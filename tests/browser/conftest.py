"""The real page, with the real models, in a real browser."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Dialog, Page, Request, expect, sync_playwright

from tests.conftest import find_browser

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"
CHROMIUM = find_browser() or Path("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 120_000
"""For whatever waits on a model; a machine that does other work is slow, and no test is about speed."""


@dataclass
class Server:
    """A running page and the folder it keeps everything in."""

    url: str
    home: Path
    log: Path
    pid: int


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the prepared models: preparing takes a while, and every page of the tests uses the same ones."""
    home = tmp_path_factory.mktemp("models")
    command = [sys.executable, "-m", "rag_app.cli", "models", "prepare"]
    subprocess.run(command, env=os.environ | {"RAG_APP_HOME": str(home)}, check=True, capture_output=True)
    return home / "models"


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start ``rag-app ui`` with an empty library."""
    home = tmp_path_factory.mktemp("home")
    (home / "models").symlink_to(models)
    yield from serve(home)


def serve(home: Path, *options: str) -> Iterator[Server]:
    """Run the page on a free port, with options of ``rag-app ui``, until the generator is closed."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    log = home / "page.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "rag_app.cli", "ui", "--port", str(port), *options],
            cwd=home,
            env=os.environ | {"RAG_APP_HOME": str(home)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://localhost:{port}", home, log, process.pid)
    try:
        wait_until_healthy(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_healthy(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health") as reply:
                if reply.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"The page did not come up:\n{server.log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A reader's tab, and everything it did that a page should not do."""

    page: Page
    server: Server
    strangers: list[str] = field(default_factory=list)
    """Requests that left this host."""
    dialogs: list[str] = field(default_factory=list)
    """Alerts that a script opened."""

    def note_request(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in {None, "localhost"}:
            self.strangers.append(request.url)

    def dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def note_dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str = "") -> None:
        """Go to a page and wait until its models are loaded."""
        self.page.goto(f"{self.server.url}/{path}")
        self.page.get_by_role("button", name="New chat").wait_for(timeout=PATIENCE_MS)
        self.settle()

    def settle(self) -> None:
        """Wait until the page has finished what it was doing."""
        self.page.wait_for_timeout(300)
        self.page.locator('.stApp[data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE_MS)

    def go_to(self, name: str) -> None:
        self.settle()
        self.page.get_by_role("link", name=name, exact=True).click()
        self.page.locator(f'a[aria-current="page"]:has-text("{name}")').wait_for(timeout=PATIENCE_MS)
        self.settle()

    def add(self, *files: tuple[str, bytes], collection: str | None = None) -> None:
        """Upload files and wait until each has been taken in or refused, and the page knows of it."""
        page = self.page
        before = self.latest_job()
        payload = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(payload)  # type: ignore[arg-type]
        if collection:
            box = page.get_by_role("combobox", name="Collection")
            box.fill(collection)
            box.press("Enter")
        page.locator('[class*="st-key-add-"] button:enabled').click(timeout=PATIENCE_MS)
        self.wait_for_job(before)

    def latest_job(self) -> int:
        """Return the number of the latest ingestion that the page tells about, 0 for none."""
        numbers = "[...document.querySelectorAll('[data-job]')].map((told) => Number(told.dataset.job))"
        return int(self.page.evaluate(f"Math.max(0, ...{numbers})"))

    def wait_for_job(self, before: int) -> None:
        """Wait until an ingestion after the one of a number is over and the page was drawn anew since."""
        told = "[...document.querySelectorAll('[data-job]')].filter((told) => Number(told.dataset.job) > before)"
        over = (
            f"(before) => {{ const all = {told}; return all.length && all.every((told) => 'done' in told.dataset); }}"
        )
        self.page.wait_for_function(over, arg=before, timeout=PATIENCE_MS)
        self.settle()

    def ask(self, question: str) -> None:
        """Type a question and wait for its answer to be whole."""
        box = self.page.get_by_test_id("stChatInputTextArea")
        box.fill(question)
        box.press("Enter")
        self.page.locator(".question", has_text=question[:60]).last.wait_for(timeout=PATIENCE_MS)
        self.settle()
        expect(self.page.locator(".writing")).to_have_count(0)

    def check_access(self) -> None:
        """Fail where axe-core finds what keeps people out: a serious or critical violation of WCAG 2.1 A or AA."""
        # What a rerun is about to replace is faded, and fades in again: neither is what people read.
        self.settle()
        expect(self.page.locator('[data-stale="true"]')).to_have_count(0)
        self.page.wait_for_timeout(700)
        wanted = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
        found = Axe().run(self.page, options=wanted).response["violations"]
        grave = [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in {"serious", "critical"}]
        assert grave == []

    def select_row(self, number: int) -> None:
        """Tick a row of the table of documents, counted from 0: it is drawn on a canvas, so by its place."""
        box = self.page.get_by_test_id("stDataFrame").bounding_box()
        assert box
        self.page.mouse.click(box["x"] + 16, box["y"] + 36 * (number + 1) + 18)
        self.settle()

    def shoot(self, name: str, *, whole: bool = False) -> None:
        """Keep a picture of the page, for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def visit(browser: Browser, server: Server, *, width: int = 1440, dark: bool = False) -> Iterator[Visit]:
    """Open a tab of its own session; whatever it does, it must ask nothing of another host and open no alert."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    # The same for both: what is expected takes as long on a busy machine as what is pressed.
    context.set_default_timeout(PATIENCE_MS / 2)
    expect.set_options(timeout=PATIENCE_MS / 2)
    page = context.new_page()
    tab = Visit(page, server)
    page.on("request", tab.note_request)
    page.on("dialog", tab.dismiss)
    yield tab
    context.close()


@pytest.fixture
def tab(chromium: Browser, server: Server) -> Iterator[Visit]:
    """A tab on a wide screen."""
    yield from visit(chromium, server)
