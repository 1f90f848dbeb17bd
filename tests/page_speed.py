"""How quick the page is in a real browser: ``python -m tests.page_speed`` (or ``make bench-page``).

A server is started over a library of many made documents with the real models; everything is the median of several
tries, in milliseconds, warm: the models are loaded and the browser has been here before.
"""

import hashlib
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from ingest.pipeline import ingest_files
from rag_app.assembly import ingest_options, open_embedder, open_library
from rag_app.records import NewDocument, Span
from rag_app.settings import Settings, load_settings
from tests.browser.conftest import CHROMIUM, FLAGS, Visit, serve, visit

DOCUMENTS = 5000
TRIES = 5
HANDBOOK = Path(__file__).parents[1] / "data" / "handbook" / "hr"
QUESTION = "How many days of annual leave may be carried over into the next year?"
SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""
READY = """() => {
    const app = document.querySelector('.stApp[data-test-script-state="notRunning"]');
    return app && document.querySelector('SELECTOR') ? performance.now() : 0;
}"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="rag_app_page_") as folder:
        settings = load_settings({"home": Path(folder)})
        fill(settings)
        for server in serve(settings.home):
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
                for tab in visit(browser, server):
                    figures = take(tab)
                browser.close()
    sys.stdout.write(json.dumps({"documents": DOCUMENTS, "tries": TRIES} | figures, indent=2) + "\n")


def fill(settings: Settings) -> None:
    """Store made documents without embedding them, and some real ones to ask."""
    embedder = open_embedder(settings)
    library = open_library(settings, embedder)
    random = np.random.default_rng(0)
    for number in range(DOCUMENTS):
        vector = random.standard_normal((1, embedder.dimensions)).astype(np.float32)
        library.store(made(number, settings.home), vector / np.linalg.norm(vector), collection="made")
    files = sorted(HANDBOOK.glob("*.md"))
    ingest_files(files, HANDBOOK, library, embedder, options=ingest_options(settings, collection="handbook"))
    library.close()


def made(number: int, home: Path) -> NewDocument:
    text = f"Report {number} says that pump {number} in hall {number % 97} was repaired and runs again."
    path = home / "reports" / f"report-{number:05d}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    facts = path.stat()
    return NewDocument(
        name=path.name,
        path=str(path),
        root=str(path.parent),
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        size=facts.st_size,
        mtime_ns=facts.st_mtime_ns,
        title=f"Report {number}",
        text=text,
        pages=None,
        spans=(Span(0, len(text)),),
    )


def take(tab: Visit) -> dict[str, float]:
    """Take every figure in one tab."""
    tab.page.add_init_script(SHIFTS)
    tab.open()
    figures = {}
    for name, path, selector in (
        ("chat", "", ".opening h1"),
        ("library", "library", '[data-testid="stDataFrame"]'),
        ("settings", "settings", "h2.part"),
    ):
        paints, wholes = zip(*(load(tab.page, f"{tab.server.url}/{path}", selector) for _ in range(TRIES)), strict=True)
        figures[f"{name}: first paint"] = statistics.median(paints)
        figures[f"{name}: whole"] = statistics.median(wholes)
    tab.open("library")
    figures["library: filter by a word"] = statistics.median(filter_by(tab.page, n) for n in range(TRIES))
    tab.open()
    figures["chat: a key typed is shown"] = key_shown(tab.page)
    tab.page.evaluate("window.shifts = 0")
    tab.ask(QUESTION)
    tab.page.wait_for_timeout(1000)
    figures["layout shift while an answer is written (0 is none, 0.1 is good)"] = tab.page.evaluate("window.shifts")
    return {name: round(value, 3) for name, value in figures.items()}


def load(page: Page, address: str, selector: str) -> tuple[float, float]:
    """Return after how many milliseconds a page showed something of its own, and when it was whole and at rest."""
    page.goto(address)
    whole = page.wait_for_function(READY.replace("SELECTOR", selector.replace("'", "\\'"))).json_value()
    paint: float = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    return paint, float(whole)


def filter_by(page: Page, number: int) -> float:
    """Return how long it takes until the table shows what was filtered for."""
    field = page.get_by_placeholder("Filter by name or title")
    field.fill(f"report-0{number}")
    started = page.evaluate("performance.now()")
    field.press("Enter")
    page.get_by_text("1,000 documents,").wait_for()
    page.locator('.stApp[data-test-script-state="notRunning"]').wait_for()
    took: float = page.evaluate("performance.now()") - started
    field.fill("")
    field.press("Enter")
    page.get_by_text("1,000 documents,").wait_for(state="detached")
    return took


def key_shown(page: Page) -> float:
    """Return how long a typed letter takes to be drawn."""
    box = page.get_by_test_id("stChatInputTextArea")
    box.focus()
    times = []
    for letter in "letters":
        page.evaluate(
            """() => { window.typed = new Promise((done) => {
                const start = {};
                document.addEventListener('keydown', () => (start.at = performance.now()), { once: true });
                document.addEventListener('input', () => requestAnimationFrame(() => setTimeout(() =>
                    done(performance.now() - start.at))), { once: true });
            }); }"""
        )
        box.press(letter)
        times.append(float(page.evaluate("window.typed")))
    box.fill("")
    return statistics.median(times)


if __name__ == "__main__":
    main()
