"""Folders of this machine that are watched: ingested now, whenever they change, and again after a restart.

Which they are is kept in a small file of the home folder. Watching begins as the server starts and goes on as long as
the page is served.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rag_app.errors import PageError
from ui.guard import told_in_words
from ui.ingestion import Ingestion

AddFolder = Callable[[Path, str], Ingestion]
AGAIN_AFTER_SECONDS = 10.0
WATCHED = "watched.json"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watched:
    """A watched folder. ``latest`` is its latest ingestion, ``changed`` the latest that changed something.

    ``trouble`` says why it cannot be watched at the moment.
    """

    folder: Path
    collection: str
    latest: Ingestion | None = None
    changed: Ingestion | None = None
    trouble: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


class WatchedFolders:
    """The watched folders, each with a thread that waits for its changes."""

    def __init__(self, file: Path, add: AddFolder) -> None:
        """``add`` has a folder ingested, when its turn comes."""
        self._file = file
        self._add = add
        # What is remembered and what is watched change together: two readers may choose folders at the same moment.
        self._lock = threading.RLock()
        self._all: list[Watched] = []

    def begin(self) -> None:
        """Watch what was watched when the program last ran."""
        for folder, collection in _read(self._file):
            self._start(Watched(folder, collection))

    def all(self) -> list[Watched]:
        """Return the folders, in the order in which they were added."""
        with self._lock:
            return list(self._all)

    def add(self, folder: Path, collection: str) -> Watched:
        """Watch a folder from now on; one that is watched already stays as it is.

        Raises:
            PageError: that cannot be remembered.
        """
        with self._lock:
            for known in self._all:
                if (known.folder, known.collection) == (folder, collection):
                    return known
            watched = Watched(folder, collection)
            self._write([*self._all, watched])
            self._start(watched)
        return watched

    def remove(self, watched: Watched) -> None:
        """Watch a folder no longer. Its documents stay.

        Raises:
            PageError: that cannot be remembered.
        """
        with self._lock:
            others = [other for other in self._all if other is not watched]
            self._write(others)
            self._all = others
        watched.stop.set()
        if watched.latest and watched.latest.live:
            watched.latest.stop()

    def _start(self, watched: Watched) -> None:
        with self._lock:
            self._all.append(watched)
        threading.Thread(target=self._follow, args=(watched,), name="watching", daemon=True).start()

    def _follow(self, watched: Watched) -> None:
        while not watched.stop.is_set():
            trouble: list[str] = []
            # A disk that is not mounted yet, say; and whatever it is, the watching must not end without a word.
            with told_in_words(trouble.append):
                self._rounds(watched)
            if trouble:
                watched.trouble = trouble[-1]
                watched.stop.wait(AGAIN_AFTER_SECONDS)

    def _rounds(self, watched: Watched) -> None:
        from ingest.watch import FolderWatch

        watching = FolderWatch(watched.folder, leave_out=(self._file.parent.resolve(),), stop=watched.stop)
        for _ in watching.rounds():
            ingestion = watched.latest = self._add(watched.folder, watched.collection)
            if watched.stop.is_set():
                # Nobody could stop it before it was known.
                ingestion.stop()
            while not ingestion.wait(1.0):
                pass
            watched.trouble = ingestion.error
            if ingestion.error:
                watching.again()
            elif ingestion.report and has_changes(ingestion):
                watched.changed = ingestion

    def _write(self, watched: list[Watched]) -> None:
        listed = [{"folder": str(one.folder), "collection": one.collection} for one in watched]
        new = self._file.with_name(f"{self._file.name}.new")
        try:
            new.write_text(json.dumps({"folders": listed}, ensure_ascii=False, indent=1), encoding="utf-8")
            new.replace(self._file)
        except OSError as error:
            raise PageError(
                f"Which folders are watched cannot be kept in {self._file}: {error.strerror or error}. "
                "Make room there, or let rag_app write to it."
            ) from error


def has_changes(ingestion: Ingestion) -> bool:
    """Whether an ingestion that is over has changed, or would change, what its collection holds."""
    report = ingestion.report
    return report is not None and bool(report.added or report.updated or report.moved or report.removed)


def are_watched(file: Path) -> bool:
    """Whether any folder was watched when the program last ran."""
    return bool(_read(file))


def _read(file: Path) -> list[tuple[Path, str]]:
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))["folders"]
        return [(Path(one["folder"]), str(one["collection"])) for one in listed]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, LookupError, TypeError) as error:
        _log.warning("%s cannot be read, so no folder is watched: %s. Choose them again on the page.", file, error)
        return []
