"""Record the page for the README: asking, following a citation, seeing the passage marked on its page; and more views.

    python -m tests.browser.record data/handbook ui/assets

Not a test: it runs the real page on a folder and writes an animation of fewer than 2 MB, and a few pictures.
"""

import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE_MS, serve

QUESTION = "What does a yellow lamp that blinks four times mean on a Heron 40?"
HOW = "How do I return unused goods?"
VERSIONS = "How many days of annual leave may be carried over into the next year?"
SIZE = {"width": 1440, "height": 810}
SHOWN_WIDTH = 1080
COLOURS = 200
FRAME_SECONDS = 0.25


class Recording:
    """Pictures of a page, each with how long it is to be seen."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[tuple[Image.Image, float]] = []

    def shoot(self, seconds: float) -> None:
        """Add the page as it is now; a picture like the last one only lengthens that."""
        shot = Image.open(BytesIO(self._page.screenshot())).convert("RGB")
        shown = shot.resize((SHOWN_WIDTH, shot.height * SHOWN_WIDTH // shot.width), Image.Resampling.LANCZOS)
        if self._frames and self._frames[-1][0].tobytes() == shown.tobytes():
            shown, before = self._frames.pop()
            seconds += before
        self._frames.append((shown, seconds))

    def follow(self, until: str) -> None:
        """Add pictures until something shows."""
        ending = time.monotonic() + PATIENCE_MS / 1000
        while not self._page.locator(until).first.is_visible() and time.monotonic() < ending:
            self.shoot(FRAME_SECONDS)
            self._page.wait_for_timeout(100)

    def save(self, file: Path) -> None:
        """Write all as an animation that repeats, in colours chosen from the last picture, which has the most."""
        palette = self._frames[-1][0].quantize(COLOURS, dither=Image.Dither.NONE)
        pictures = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame, _ in self._frames]
        durations = [round(1000 * seconds) for _, seconds in self._frames]
        pictures[0].save(
            file, save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True, disposal=1
        )


def record(folder: Path, out: Path) -> None:
    """Ingest a folder, ask the question on the page, open its first citation, and keep it all in the folder ``out``."""
    with tempfile.TemporaryDirectory() as home:
        rag_app = [sys.executable, "-m", "rag_app.cli"]
        environment = os.environ | {"RAG_APP_HOME": home}
        for arguments in (["models", "prepare"], ["ingest", str(folder)]):
            subprocess.run([*rag_app, *arguments], env=environment, check=True)
        for server in serve(Path(home)):
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                page = browser.new_page(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
                page.goto(server.url)
                page.get_by_role("button", name="New chat").wait_for(timeout=PATIENCE_MS)
                _act(page, Recording(page), out / "recording.gif")
                _picture(page, out)
                browser.close()


def _act(page: Page, recording: Recording, out: Path) -> None:
    box = page.get_by_test_id("stChatInputTextArea")
    box.wait_for()
    page.wait_for_timeout(1500)
    recording.shoot(1.2)
    for length in range(0, len(QUESTION) + 6, 6):
        box.fill(QUESTION[:length])
        recording.shoot(0.08)
    box.press("Enter")
    recording.follow("a.cite")
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(500)
    recording.shoot(2.0)
    page.locator("a.cite").first.hover()
    page.wait_for_timeout(400)
    recording.shoot(1.5)
    page.locator("a.cite").first.click()
    recording.follow(".st-key-panel .view")
    page.wait_for_timeout(1200)
    recording.shoot(3.5)
    recording.save(out)


def _picture(page: Page, out: Path) -> None:
    """Keep a picture of each of a few views."""
    page.get_by_role("button", name="Close").click()
    for name, question in (("account", HOW), ("versions", VERSIONS)):
        page.get_by_role("button", name="New chat").click()
        page.locator("h1:has-text('What would you like to know?')").wait_for(timeout=PATIENCE_MS)
        box = page.get_by_test_id("stChatInputTextArea")
        box.fill(question)
        box.press("Enter")
        page.locator(".standing").wait_for(timeout=PATIENCE_MS)
        _keep(page, out / f"{name}.png")
    page.get_by_role("button", name="Look inside").click()
    page.get_by_role("dialog").wait_for(timeout=PATIENCE_MS)
    _keep(page, out / "inside.png")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Map", exact=True).click()
    page.get_by_role("textbox", name="Place a question on the map").fill(VERSIONS)
    page.get_by_role("textbox", name="Place a question on the map").press("Enter")
    page.get_by_role("heading", name="The passages of the question").wait_for(timeout=PATIENCE_MS)
    _keep(page, out / "map.png")


def _keep(page: Page, file: Path) -> None:
    """Write the page as it comes to rest, in few colours."""
    page.wait_for_timeout(1500)
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(500)
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    shown = shot.resize((SHOWN_WIDTH, shot.height * SHOWN_WIDTH // shot.width), Image.Resampling.LANCZOS)
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    record(Path(sys.argv[1]), Path(sys.argv[2]))
