"""Files that a reader drops on the page: kept under the home folder, then ingested like any other.

A file is kept as ``uploads/<collection>/<name>``. The same name again replaces the file, and its document gets a
new version; when the new file cannot be ingested, the old one is put back.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import quote

import streamlit as st

from ingest.pipeline import IngestOptions, ingest_files
from rag_app.errors import PageError
from rag_app.records import Document, IngestEvent
from ui.guard import told_in_words
from ui.markup import counted, escaped

if TYPE_CHECKING:
    from rag_app.assembly import Application

NAME_BYTES = 200
COLLECTION_CHARACTERS = 60

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_OUTCOMES = "upload_outcomes"
_ROUND = "upload_round"


class Upload(Protocol):
    """A file as the browser hands it over."""

    name: str

    def getbuffer(self) -> memoryview: ...


@dataclass(slots=True)
class Progress:
    """How far one uploaded file has come. ``step`` is waiting, reading, embedding, stored, unchanged or failed."""

    name: str
    step: str = "waiting"
    reason: str = ""


def safe_name(name: str) -> str:
    """Return a file name, without any folder, that every file system takes and no tool hides."""
    last = PureWindowsPath(name).name  # Splits at slashes and backslashes alike.
    last = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", last)).strip().strip(".").strip()
    if not last:
        last = "document"
    if _RESERVED.match(last):
        last = f"_{last}"
    stem, suffix = os.path.splitext(last)  # noqa: PTH122 - the name is no path of ours yet
    suffix = suffix if len(suffix.encode()) <= NAME_BYTES // 4 else ""
    room = NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip() + suffix


def upload_folder(home: Path, collection: str) -> Path:
    """Return the folder of a collection's uploads. Distinct collections never share one."""
    folder = quote(collection, safe=" ").replace(".", "%2E")
    return home / "uploads" / folder


def checked_collection(name: str | None) -> str:
    """Return the name of a collection, trimmed.

    Raises:
        PageError: the name is empty, too long or has control characters.
    """
    trimmed = unicodedata.normalize("NFC", (name or "").strip())
    if not trimmed or len(trimmed) > COLLECTION_CHARACTERS or not trimmed.isprintable():
        raise PageError(
            f"A collection's name has 1 to {COLLECTION_CHARACTERS} printable characters. "
            "Choose one from the list or type another."
        )
    return trimmed


def is_upload(document: Document, home: Path) -> bool:
    """Say whether a document's file was uploaded here, so that it goes when the document is removed."""
    return Path(document.path).resolve().is_relative_to((home / "uploads").resolve())


class KeptUploads:
    """Uploaded files written into their folder, with the files that they replaced set aside until all is done."""

    def __init__(self, folder: Path, uploads: Iterable[Upload]) -> None:
        self.folder = folder
        self.paths: list[Path] = []
        self._aside: dict[Path, Path] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for upload in uploads:
                self._keep(folder / safe_name(upload.name), upload)
        except OSError as error:
            self.settle(failed=[path.name for path in self.paths])
            raise PageError(f"The upload cannot be kept in {folder}: {error.strerror or error}.") from error

    def _keep(self, path: Path, upload: Upload) -> None:
        incoming = path.with_name(f".{path.name}.incoming")
        with incoming.open("wb") as file:
            _copy(upload, file)
        if path.exists() and path not in self._aside:
            self._aside[path] = path.replace(path.with_name(f".{path.name}.replaced"))
        incoming.replace(path)
        if path not in self.paths:
            self.paths.append(path)

    def settle(self, failed: Iterable[str]) -> None:
        """Take back the files that failed: their predecessors return, and nothing of them is left."""
        names = set(failed)
        for path in self.paths:
            aside = self._aside.get(path)
            if path.name not in names:
                if aside:
                    aside.unlink(missing_ok=True)
            elif aside:
                aside.replace(path)
            else:
                path.unlink(missing_ok=True)


def _copy(upload: Upload, file: BinaryIO) -> None:
    file.write(upload.getbuffer())


def draw_upload(application: "Application", *, key: str) -> None:
    """Draw the place to drop files on, and what became of the last ones."""
    turn = st.session_state.setdefault(_ROUND, 0)
    with st.container(key=f"upload-{key}", border=True):
        uploads = st.file_uploader(
            "Drop documents here, or choose them",
            accept_multiple_files=True,
            key=f"files-{key}-{turn}",
            help="PDF, Word, Markdown, HTML, CSV, plain text and source code. Several at once are fine.",
        )
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        collection = left.selectbox(
            "Collection",
            application.library.collections() or ["default"],
            accept_new_options=True,
            help="Choose a collection, or type the name of a new one",
            key=f"into-{key}",
        )
        label = f"Add {counted(len(uploads), 'file')}" if uploads else "Add to the library"
        wanted = right.button(label, type="primary", disabled=not uploads, width="stretch", key=f"add-{key}")
        board = st.empty()
        if wanted and uploads:
            with told_in_words():
                st.session_state[_OUTCOMES] = _take_in(application, uploads, checked_collection(collection), board)
                st.session_state[_ROUND] = turn + 1
                st.rerun()
        elif st.session_state.get(_OUTCOMES):
            board.html(board_html(st.session_state[_OUTCOMES]))


def forget_outcomes() -> None:
    """Clear what became of the last uploads from the page."""
    st.session_state.pop(_OUTCOMES, None)


def _take_in(
    application: "Application", uploads: Sequence[Upload], collection: str, board: st.delta_generator.DeltaGenerator
) -> list[Progress]:
    """Keep and ingest the uploads, showing on the board how far each has come."""
    settings = application.settings
    kept = KeptUploads(upload_folder(settings.home, collection), uploads)
    progress = {path.name: Progress(path.name) for path in kept.paths}

    def follow(event: IngestEvent) -> None:
        line = progress.setdefault(event.name, Progress(event.name))
        line.step = event.step
        line.reason = event.failure.reason if event.failure else ""
        board.html(board_html(list(progress.values())))

    board.html(board_html(list(progress.values())))
    whole = False
    try:
        report = ingest_files(
            kept.paths,
            kept.folder,
            application.library,
            application.embedder,
            options=IngestOptions(
                collection=collection,
                chunk_tokens=settings.chunk_tokens,
                chunk_overlap=settings.chunk_overlap,
                max_file_bytes=settings.max_file_mb * 2**20,
            ),
            on_event=follow,
        )
        whole = True
    finally:
        # Interrupted, what is stored stays and the rest is taken back.
        failed = [line.name for line in progress.values() if line.step not in {"stored", "unchanged"}]
        kept.settle([failure.name for failure in report.failures] if whole else failed)
    for failure in report.failures:
        progress[failure.name] = Progress(failure.name, "failed", failure.reason)
    for line in progress.values():
        if line.step not in {"failed", "unchanged"}:
            line.step = "stored"
    return list(progress.values())


_STEPS = {
    "waiting": "waiting",
    "found": "waiting",
    "reading": "reading…",
    "embedding": "embedding…",
    "stored": "added",
    "unchanged": "already there, unchanged",
    "failed": "not added",
}


def board_html(lines: Sequence[Progress]) -> str:
    """Return the list of uploaded files with their progress, and the reason of each failure."""
    items = "".join(
        f'<li class="{escaped(line.step)}"><span class="dot"></span><span class="name">{escaped(line.name)}</span>'
        f'<span class="state">{escaped(_STEPS.get(line.step, line.step))}</span>'
        + (f'<p class="reason">{escaped(line.reason)}</p>' if line.reason else "")
        + "</li>"
        for line in lines
    )
    return f'<ul class="board" aria-live="polite" aria-label="Uploaded files">{items}</ul>'
