"""Files that a reader drops on the page: kept under the home folder, then ingested like any other.

A file is kept as ``uploads/<collection>/<its path in the folder it came with>``. The same path again replaces the
file, and its document gets a new version; when the new file cannot be ingested, the old one is put back.

Until its turn comes, an upload waits whole in ``uploads/.waiting/<number>``, and the folder of a number goes only once
all of its files are settled: a program that is killed takes up at its next start what it had not finished.
"""

import errno
import json
import os
import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol, Self
from urllib.parse import quote

from rag_app.errors import PageError
from rag_app.records import Document

NAME_BYTES = 200
PATH_BYTES = 1000
DEEPEST = 20
COLLECTION_CHARACTERS = 60

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_OUTER = re.compile(r"^[\s.]+|[\s.]+$")
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$")
_WAITING = ".waiting"
_FILES = "files"
_RECORD = "upload.json"
_REPLACED = ".replaced"
_INCOMING = ".incoming"


class Upload(Protocol):
    """A file as the browser hands it over; of a folder its name is the path in it."""

    name: str

    def getbuffer(self) -> memoryview: ...


def safe_name(name: str) -> str:
    """Return a file name, without any folder, that every file system takes and no tool hides."""
    last = PureWindowsPath(name).name  # Splits at slashes and backslashes alike.
    last = _OUTER.sub("", _FORBIDDEN.sub("_", unicodedata.normalize("NFC", last)))
    if not last:
        last = "document"
    if _RESERVED.match(last):
        last = f"_{last}"
    stem, suffix = os.path.splitext(last)  # noqa: PTH122 - the name is no path of ours yet
    suffix = suffix if len(suffix.encode()) <= NAME_BYTES // 4 else ""
    room = NAME_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip() + suffix


def safe_path(name: str) -> PurePosixPath:
    """Return the path of a file below a folder, each part of it a safe name and none leading out of the folder.

    What lies too deep, or would have too long a path, comes to lie in the outermost folders alone.
    """
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "..") and not part.endswith(":")]
    safe = [safe_name(part) for part in parts] or [safe_name("")]
    folders, last = safe[:-1][:DEEPEST], safe[-1]
    while folders and len("/".join([*folders, last]).encode()) > PATH_BYTES:
        folders.pop()
    return PurePosixPath(*folders, last)


def is_hidden(name: str) -> bool:
    """Whether a file of an uploaded folder is hidden, or in a hidden folder: such files are no documents."""
    return any(part.startswith(".") and part not in (".", "..") for part in re.split(r"[/\\]", name))


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


def delete_upload(document: Document, home: Path) -> None:
    """Delete the file of a document that was uploaded, and the folders that are empty then."""
    path = Path(document.path)
    path.unlink(missing_ok=True)
    _remove_empty(path.parent, upload_folder(home, document.collection))


class KeptUploads:
    """Uploaded files that wait for their turn, then lie in their folder until it is known which of them are good."""

    def __init__(self, waiting: Path, collection: str, names: Sequence[str]) -> None:
        self.collection = collection
        self.names = tuple(names)
        self.folder = upload_folder(waiting.parents[2], collection)
        self._waiting = waiting

    @property
    def paths(self) -> list[Path]:
        """Where the files are, once it is their turn."""
        return [self.folder / name for name in self.names]

    @classmethod
    def keep(cls, home: Path, collection: str, uploads: Iterable[Upload]) -> Self:
        """Write uploads to the disk, where they wait for their turn. Of two with the same path the last is kept.

        Raises:
            PageError: they cannot be written; then nothing of them is left.
        """
        # Named by the time, so that they are taken up in the order in which they came.
        waiting = home / "uploads" / _WAITING / f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        try:
            names = dict.fromkeys(_write(waiting / _FILES, upload) for upload in uploads)
            kept = cls(waiting, collection, list(names))
            record = waiting / f"{_RECORD}{_INCOMING}"
            record.write_text(json.dumps({"collection": collection, "names": list(names)}), encoding="utf-8")
            # Only now is the upload whole.
            record.replace(waiting / _RECORD)
        except OSError as error:
            shutil.rmtree(waiting, ignore_errors=True)
            raise PageError(
                f"The upload cannot be kept in {waiting.parent}: {error.strerror or error}. "
                "Make room there, or let rag_app write to it, and add the files again."
            ) from error
        return kept

    def place(self) -> None:
        """Put the files where they belong; what they replace is set aside. Goes on where an earlier call was ended.

        Raises:
            PageError: they cannot be put there; those that were can be settled.
        """
        try:
            for name in self.names:
                waiting, path = self._waiting / _FILES / name, self.folder / name
                if waiting.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    if path.is_dir():
                        raise IsADirectoryError(errno.EISDIR, f"{name} is a folder there")
                    if path.exists():
                        path.replace(_aside(path))
                    waiting.replace(path)
        except OSError as error:
            raise PageError(
                f"The upload cannot be put into {self.folder}: {error.strerror or error}. "
                "Rename the file or its folder, and add it again."
            ) from error

    def settle(self, failed: Iterable[str]) -> None:
        """Take back the files that failed: their predecessors return, and nothing of them is left."""
        names = set(failed)
        for name in self.names:
            path = self.folder / name
            placed = not (self._waiting / _FILES / name).exists()
            if name not in names and placed:
                _aside(path).unlink(missing_ok=True)
                continue
            if _aside(path).exists():
                _aside(path).replace(path)
            elif placed:
                path.unlink(missing_ok=True)
            _remove_empty(path.parent, self.folder)
        self.forget()

    def forget(self) -> None:
        """Drop what waits of the upload."""
        shutil.rmtree(self._waiting, ignore_errors=True)


def are_unfinished(home: Path) -> bool:
    """Whether anything waits of uploads that an earlier run of the program was asked to ingest."""
    return any((home / "uploads" / _WAITING).glob("*"))


def unfinished(home: Path) -> list[KeptUploads]:
    """Return the uploads that an earlier run of the program was asked to ingest and did not finish, the oldest first.

    What an upload that never became whole has left behind is removed, and a file that was set aside is put back where
    nothing has taken its place.
    """
    uploads = home / "uploads"
    found = []
    for waiting in sorted((uploads / _WAITING).glob("*")):
        try:
            record = json.loads((waiting / _RECORD).read_text(encoding="utf-8"))
            names = [safe_path(name).as_posix() for name in record["names"]]
            found.append(KeptUploads(waiting, checked_collection(record["collection"]), names))
        except (OSError, ValueError, LookupError, TypeError, PageError):
            shutil.rmtree(waiting, ignore_errors=True)
    ours = {_aside(path) for kept in found for path in kept.paths}
    for left in uploads.rglob(f".*{_REPLACED}"):
        if left not in ours:
            path = left.with_name(left.name[1 : -len(_REPLACED)])
            with suppress(OSError):
                left.unlink() if path.exists() else left.replace(path)
    for left in uploads.rglob(f".*{_INCOMING}"):
        left.unlink(missing_ok=True)
    return found


def _write(folder: Path, upload: Upload) -> str:
    """Write an upload into a folder; return its path in it."""
    name = safe_path(upload.name)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(upload.getbuffer())
    return name.as_posix()


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}{_REPLACED}")


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and those above it, below ``root``, as long as there is nothing in them."""
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
