"""Files that a reader drops on the page: kept under the home folder, then ingested like any other.

A file is kept as ``uploads/<collection>/<name>``. The same name again replaces the file, and its document gets a
new version; when the new file cannot be ingested, the old one is put back.
"""

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath
from typing import Protocol
from urllib.parse import quote

from rag_app.errors import PageError
from rag_app.records import Document

NAME_BYTES = 200
COLLECTION_CHARACTERS = 60

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")


class Upload(Protocol):
    """A file as the browser hands it over."""

    name: str

    def getbuffer(self) -> memoryview: ...


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
            file.write(upload.getbuffer())
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
