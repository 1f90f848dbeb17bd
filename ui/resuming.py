"""What an earlier run of the program left to do is taken up as the server starts, whether or not a page is opened.

The models are loaded for it only where there is something to do, and only once the page is served: the start is not
slower, and whoever opens the page meanwhile waits for the same models as ever.
"""

import logging
import threading
from pathlib import Path

from streamlit import runtime

from rag_app.errors import PageError
from rag_app.settings import load_settings
from ui.dock import dock
from ui.guard import told_in_words
from ui.state import open_application
from ui.uploads import are_unfinished
from ui.watched import WATCHED, are_watched

LOOK_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 120.0

_log = logging.getLogger(__name__)


def is_left(home: Path) -> bool:
    """Whether folders are watched, or uploads wait that were not finished."""
    return are_watched(home / WATCHED) or are_unfinished(home)


def take_up() -> threading.Thread | None:
    """Begin in a thread of its own to take up what is left, once the page is served; None where nothing is left."""
    if not is_left(load_settings().home):
        return None
    thread = threading.Thread(target=_take_up_once_served, name="taking up", daemon=True)
    thread.start()
    return thread


def _take_up_once_served() -> None:
    with told_in_words(_log.warning):
        _wait_until_served()
        dock(open_application())


def _wait_until_served() -> None:
    pause = threading.Event()
    for _ in range(round(LONGEST_WAIT_SECONDS / LOOK_SECONDS)):
        if runtime.exists():
            return
        pause.wait(LOOK_SECONDS)
    raise PageError("The page was not served in time, so nothing is taken up before it is opened.")
