"""Find the files of a folder that can become documents.

Hidden files and folders are left out, and what a ``.ragignore`` file (in .gitignore's syntax) lists. Links are
never followed: what they point to inside the folder is found at its own place, and what lies outside does not
belong to it.
"""

import os
import stat
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from pathspec import GitIgnoreSpec

from ingest.file_bytes import open_unfollowed
from ingest.readers import READERS, SUFFIXES
from ingest.readers.tesseract import find_program
from ingest.sniffing import SNIFFED_BYTES, readable
from rag_app.errors import FolderError
from rag_app.records import Failure

IGNORE_FILE = ".ragignore"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to ingest: ``name`` is its path below the folder, with forward slashes."""

    path: Path
    name: str
    size: int
    mtime_ns: int


@dataclass(slots=True)
class Discovery:
    """What a folder holds: files in the order of their names, failures, and how many files were passed over.

    ``unlisted`` are folders whose content could not be seen, so that nothing below them counts as gone. What is
    ``known`` is a file to ingest whatever it looks like. ``pictures`` is how many of the files passed over are
    pictures, whose text nothing here can recognise.
    """

    files: list[FoundFile] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unlisted: list[Path] = field(default_factory=list)
    skipped: int = 0
    pictures: int = 0
    known: AbstractSet[str] = frozenset()


def discover(folder: Path, *, leave_out: Iterable[Path] = (), known: AbstractSet[str] = frozenset()) -> Discovery:
    """Find every readable file of a folder, recursively, in a fixed order, without the folders to ``leave_out``.

    A file of a path that is ``known`` is found even if it no longer looks like one that can be read: it is broken.

    Raises:
        FolderError: the folder does not exist, is none or cannot be listed, or an ignore file is not valid.
    """
    root = checked_folder(folder)
    found = Discovery(known=known)
    # Not by recursion: folders may lie deeper in each other than Python's calls.
    closed = {str(path.resolve()) for path in leave_out}
    waiting: list[tuple[str, _Rules]] = [("", ())]
    while waiting:
        place, rules = waiting.pop()
        below = _look_into(root, place, rules, found)
        waiting += [(name, inner) for name, inner in reversed(below) if str(root / name) not in closed]
    found.files.sort(key=lambda file: file.name)
    return found


def checked_folder(folder: Path) -> Path:
    """Return the folder's real path.

    Raises:
        FolderError: it does not exist, is no folder or cannot be listed.
    """
    try:
        root = folder.expanduser().resolve(strict=True)
        if not root.is_dir():
            raise FolderError(f"{folder} is a file, not a folder. Give the folder that holds it.")
        with os.scandir(root):
            return root
    except FileNotFoundError as error:
        raise FolderError(f"The folder {folder} does not exist. Check its spelling, or create it first.") from error
    except (OSError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise FolderError(f"The folder {folder} cannot be listed: {reason}. Check its permissions.") from error


def found_file(path: Path, root: Path) -> FoundFile:
    """Return a single file as it would be found below ``root``.

    Raises:
        OSError: it does not exist.
    """
    status = path.stat()
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return FoundFile(path, name, status.st_size, status.st_mtime_ns)


def is_left_out(name: str, folder: Path) -> bool:
    """Whether the file ``name`` below a folder is one that discovery leaves out: hidden, or listed in .ragignore.

    Raises:
        FolderError: an ignore file is not valid.
    """
    rules: _Rules = ()
    place, steps = folder, PurePath(name).parts
    for step in steps:
        if (place / IGNORE_FILE).exists():
            rules = (*rules, (place, _read_rules(place / IGNORE_FILE)))
        place /= step
        if step.startswith(".") or _is_ignored(place, place.is_dir(), rules):
            return True
    return False


_Rules = tuple[tuple[Path, GitIgnoreSpec], ...]


def _look_into(root: Path, place: str, rules: _Rules, found: Discovery) -> list[tuple[str, _Rules]]:
    """Note what lies right in a folder, named as below the root; return the folders in it, with the rules there."""
    folder = root / place
    try:
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        reason = f"The folder {place}/ cannot be listed: {error.strerror}. Check its permissions."
        found.failures.append(Failure(_printable(f"{place}/"), _printable(reason)))
        found.unlisted.append(folder)
        return []
    if any(entry.name == IGNORE_FILE for entry in listed):
        rules = (*rules, (folder, _read_rules(folder / IGNORE_FILE)))
    below: list[tuple[str, _Rules]] = []
    for entry in listed:
        if entry.name.startswith("."):
            continue
        name = f"{place}/{entry.name}" if place else entry.name
        if rules and _is_ignored(root / name, entry.is_dir(follow_symlinks=False), rules):
            continue
        if entry.is_symlink():
            _note_link(root / name, name, found)
        elif entry.is_dir(follow_symlinks=False):
            below.append((name, rules))
        else:
            _note_file(root / name, name, found)
    return below


def _read_rules(file: Path) -> GitIgnoreSpec:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            # To open a pipe would wait for somebody to write to it.
            raise FolderError(f"{file} is no regular file. Put the patterns into a text file, or remove it.")
        return GitIgnoreSpec.from_lines(file.read_text(encoding="utf-8", errors="replace").splitlines())
    except (ValueError, OSError) as error:
        raise FolderError(f"{file} cannot be used: {error}. Its lines must be patterns as in .gitignore.") from error


def _is_ignored(path: Path, is_folder: bool, rules: _Rules) -> bool:
    """Apply the rules from the outermost to the innermost; the last that says something decides."""
    ignored = False
    for folder, spec in rules:
        below = path.relative_to(folder).as_posix() + ("/" if is_folder else "")
        verdict = spec.check_file(below).include
        if verdict is not None:
            ignored = verdict
    return ignored


def _note_link(path: Path, name: str, found: Discovery) -> None:
    if path.suffix.lower() not in READERS or _leads_somewhere(path):
        found.skipped += 1
        return
    reason = f"{name} is a link to a file that does not exist. Remove the link, or put the file where it points."
    found.failures.append(Failure(_printable(name), _printable(reason)))


def _leads_somewhere(link: Path) -> bool:
    try:
        link.stat()
    except PermissionError:
        return True  # to a place that is not ours to see
    except OSError:
        return False
    return True


def _note_file(path: Path, name: str, found: Discovery) -> None:
    try:
        status = path.lstat()
        name.encode("utf-8")
        expected = path.suffix.lower() in READERS or str(path) in found.known
        wanted = stat.S_ISREG(status.st_mode) and (expected or _is_readable(path))
    except FileNotFoundError:
        return  # removed since the folder was listed
    except UnicodeEncodeError:
        reason = f"The name of {_printable(name)} is not valid UTF-8. Rename the file."
        found.failures.append(Failure(_printable(name), reason))
        return
    except OSError as error:
        found.failures.append(Failure(name, f"{name} cannot be opened: {error.strerror}. Check its permissions."))
        found.unlisted.append(path)
        return
    # A folder of documents has drawings and logos beside them: those are no failures.
    is_picture = SUFFIXES.get(path.suffix.lower()) == "image" and str(path) not in found.known
    if is_picture and not find_program():
        found.skipped += 1
        found.pictures += 1
        return
    if not stat.S_ISREG(status.st_mode) and path.suffix.lower() in READERS:
        reason = f"{name} is no regular file (a pipe, socket or device). Remove it or list it in .ragignore."
        found.failures.append(Failure(name, reason))
    elif not wanted or _is_empty_code(path, status):
        found.skipped += 1
    else:
        found.files.append(FoundFile(path, name, status.st_size, status.st_mtime_ns))


def _is_empty_code(path: PurePath, status: os.stat_result) -> bool:
    """Whether this is an empty source file: those are made on purpose, as ``__init__.py`` is."""
    return status.st_size == 0 and path.suffix.lower() in (".py", ".pyi")


def _is_readable(path: Path) -> bool:
    """Whether a file of unknown suffix begins like one that is read."""
    with os.fdopen(open_unfollowed(path, path.name), "rb") as file:
        return readable(path.suffix, file.read(SNIFFED_BYTES))


def _printable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


def lies_below(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a path is one of the folders or below one."""
    return any(path == folder or path.is_relative_to(folder) for folder in folders)
