"""Where documents come in: one ingestion after the other, in a thread of the server, whether or not anybody watches.

A page only follows them. When it is closed or loaded anew they go on, and any page finds them again.
"""

import queue
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import FailedFile
from ui.ingestion import Ingestion
from ui.taking_in import file_work, folder_work, uploads_work
from ui.uploads import KeptUploads, unfinished
from ui.watched import WATCHED, Watched, WatchedFolders

if TYPE_CHECKING:
    from rag_app.assembly import Application

REMEMBERED = 20
"""So many ingestions that are over are still told about."""


class Dock:
    """Takes ingestions and does them in the order in which they came: the models and the library are shared."""

    def __init__(self, application: "Application") -> None:
        self.application = application
        self._live: list[Ingestion] = []
        self._over: deque[Ingestion] = deque(maxlen=REMEMBERED)
        self._lock = threading.Lock()
        self._waiting: queue.SimpleQueue[Ingestion] = queue.SimpleQueue()
        self.finished = 0
        """How many ingestions are over; a page that has seen fewer is out of date."""
        threading.Thread(target=self._go_on, name="ingestions", daemon=True).start()
        for kept in unfinished(application.settings.home):
            self.add_uploads(kept)
        self.watched = WatchedFolders(application.settings.home / WATCHED, self._add_changed)
        self.watched.begin()

    def add_uploads(self, kept: KeptUploads) -> Ingestion:
        """Have uploads ingested."""
        work = uploads_work(self.application, kept)
        return self._take(Ingestion("", kept.collection, work, expected=kept.names))

    def add_folder(self, folder: Path, collection: str) -> Ingestion:
        """Have a collection made equal to a folder."""
        return self._take(Ingestion(str(folder), collection, folder_work(self.application, folder, collection)))

    def add_again(self, failure: FailedFile) -> Ingestion:
        """Have one file of a folder that could not be read tried again."""
        work = file_work(self.application, failure)
        return self._take(Ingestion("", failure.collection, work, expected=(failure.name,)))

    def _add_changed(self, folder: Path, collection: str) -> Ingestion:
        ingestion = Ingestion(str(folder), collection, folder_work(self.application, folder, collection))
        ingestion.by_itself = True
        return self._take(ingestion)

    def look(self, folder: Path, collection: str) -> Ingestion:
        """Have it found out what ``add_folder`` would change."""
        work = folder_work(self.application, folder, collection, dry=True)
        return self._take(Ingestion(str(folder), collection, work, dry=True))

    def watch(self, folder: Path, collection: str) -> Watched:
        """Make a collection equal to a folder now and whenever the folder changes, also after a restart."""
        return self.watched.add(folder, collection)

    def live(self) -> list[Ingestion]:
        """Return the ingestions that are not over, the oldest first."""
        with self._lock:
            return list(self._live)

    def all(self) -> list[Ingestion]:
        """Return the ingestions that are not over, and the latest that are, the oldest first."""
        with self._lock:
            return sorted((*self._over, *self._live), key=lambda ingestion: ingestion.number)

    def ahead(self, ingestion: Ingestion) -> int:
        """Return how many ingestions come before this one."""
        return sum(other.number < ingestion.number for other in self.live())

    def _take(self, ingestion: Ingestion) -> Ingestion:
        with self._lock:
            self._live.append(ingestion)
        self._waiting.put(ingestion)
        return ingestion

    def _go_on(self) -> None:
        while True:
            ingestion = self._waiting.get()
            ingestion.run()
            with self._lock:
                self._live.remove(ingestion)
                self._over.append(ingestion)
                self.finished += 1
                ingestion.ending = self.finished


def dock(application: "Application") -> Dock:
    """Return the one dock of this server. What comes in from now on is taken in by this application.

    Another one than before has settings that have changed since, be it the embedder.
    """
    the_dock = _dock(str(application.settings.home), application)
    the_dock.application = application
    return the_dock


@st.cache_resource(show_spinner=False)
def _dock(home: str, _application: "Application") -> Dock:
    return Dock(_application)
