"""What every test shares."""

import os
import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the browser's tests, and leave them out on a machine that has no browser; a CI machine must have one."""
    pages = Path(__file__).parent / "browser"
    for item in items:
        if pages in item.path.parents:
            item.add_marker("browser")
    if os.environ.get("CI") == "true" or any(shutil.which(name) for name in BROWSERS):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
        config.stash[LEFT_OUT] = len(left_out)


LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was left out, where nobody overlooks it."""
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.section("left out", yellow=True)
        terminalreporter.line(
            f"{count} tests of the page need Chromium, which is not on this machine. Install it (Debian, Ubuntu: "
            "apt-get install chromium) and run the tests again."
        )
