"""What to do with each file: keep it, read it, or leave it in quarantine; and which documents have lost their file."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ingest.discovery import FoundFile, lies_below
from ingest.roots import folder_of
from rag_app.records import Document, FailedFile

# A file changed again this soon after it was read can have the same size and time, on a coarse clock.
_DOUBTFUL_SECONDS = 2.0
# A size that so many documents share tells little, and all their hashes would have to be sent to the readers.
_MOST_HASHES = 200


@dataclass(slots=True)
class Plan:
    """Files by what is to be done with them. ``changed`` ones are read, and may turn out to be unchanged."""

    unchanged: list[FoundFile] = field(default_factory=list)
    quarantined: list[tuple[FoundFile, FailedFile]] = field(default_factory=list)
    changed: list[FoundFile] = field(default_factory=list)


class Inventory:
    """What a collection holds, as this ingestion knows it: by path, by size and by content."""

    def __init__(
        self,
        root: Path,
        documents: Iterable[Document],
        failures: Iterable[FailedFile],
        *,
        named: str | None = None,
        follows_files: bool = True,
        reading: str | None = None,
    ) -> None:
        """``follows_files`` is whether documents move with their files and failures are remembered.

        ``named`` is how the root was named, and how documents record it. ``reading`` is how documents are read now:
        what was read otherwise does not count as unchanged. None lets every way pass.
        """
        self._reading = reading
        self.named = named or str(root)
        self.follows_files = follows_files
        self._root = root
        self._retried: set[str] = set()
        self.by_path = {document.path: document for document in documents}
        self.failed = {failure.path: failure for failure in failures}
        self._by_content: dict[tuple[str, str], list[Document]] = {}
        self._hashes: dict[tuple[int, str], set[str]] = {}
        for document in self.by_path.values():
            self._index(document)
        self._gone: dict[str, Document] = {}
        self._rewritten: dict[str, str] = {}
        self._left: set[str] = set()

    def plan(self, files: Sequence[FoundFile], *, reader: str, retry_failed: bool) -> Plan:
        """Sort the files, by size and time alone. A failure of other readers than ``reader`` is tried again."""
        plan = Plan()
        for file in files:
            path = str(file.path)
            failed = self.failed.get(path)
            if failed and ((retry_failed and failed.attempts) or failed.reader != reader):
                self._retried.add(path)
                plan.changed.append(file)
            elif failed and _is_same(file, failed.size, failed.mtime_ns, since=failed.failed_at.timestamp()):
                plan.quarantined.append((file, failed))
            elif failed is None and self._is_unchanged(file):
                plan.unchanged.append(file)
            else:
                plan.changed.append(file)
        return plan

    def mark_gone(self, present: AbstractSet[str], *, unseen: Sequence[Path]) -> None:
        """Find the documents of this folder that have no file any more; below ``unseen`` nothing counts as gone."""
        for path, document in self.by_path.items():
            # What is still below the folder that had this name before has been replaced by what is here.
            former = document.root == self.named and not lies_below(Path(path), [self._root])
            if path in present or not (former or self._is_ours(document)) or lies_below(Path(path), unseen):
                continue
            self._gone[path] = document

    def gone(self) -> list[Document]:
        """Return the documents without a file that have not been found elsewhere, by their names."""
        return sorted(self._gone.values(), key=lambda document: document.name)

    def gone_failures(self, present: AbstractSet[str], *, unseen: Sequence[Path]) -> list[FailedFile]:
        """Return the remembered failures of files of this folder that are no longer there."""
        return [
            failed
            for path, failed in self.failed.items()
            if path not in present and self._is_of_ours(failed) and not lies_below(Path(path), unseen)
        ]

    def with_file(self) -> int:
        """Return how many documents of this folder still have their file."""
        return sum(path not in self._gone and self._is_ours(document) for path, document in self.by_path.items())

    def known_hashes(self, file: FoundFile) -> tuple[str, ...]:
        """Return the hashes of contents that need not be read again and may be this file's."""
        path = str(file.path)
        known = self.by_path.get(path)
        own = (
            known if known and self.is_current(known) else None,
            None if path in self._retried else self.failed.get(path),
        )
        hashes = {one.sha256 for one in own if one and one.sha256}
        others = self._hashes.get((file.size, kind_of(file.name)), set())
        return tuple(hashes | others if len(others) <= _MOST_HASHES else hashes)

    def is_current(self, document: Document) -> bool:
        """Whether a document was read and split as it would be now."""
        return self._reading is None or document.reading == self._reading

    def failure_like(self, file: FoundFile, sha256: str) -> FailedFile | None:
        """Return the remembered failure of this file, if it was of this very content."""
        failed = self.failed.get(str(file.path))
        return failed if failed and failed.sha256 == sha256 and failed.path not in self._retried else None

    def may_have(self, file: FoundFile) -> bool:
        """Whether a document has a file's size, so that the file may be that document's."""
        return (file.size, kind_of(file.name)) in self._hashes

    def moved_from(self, file: FoundFile, sha256: str) -> Document | None:
        """Return the document that this file was before it was moved here, if it is one."""
        if str(file.path) in self.by_path or not self.follows_files:
            return None
        lost = [
            document
            for document in self._by_content.get((sha256, kind_of(file.name)), [])
            if self._has_lost_its_file(document)
        ]
        name = file.path.name
        return min(lost, key=lambda document: (Path(document.path).name != name, document.id), default=None)

    def twin(self, file: FoundFile, sha256: str) -> Document | None:
        """Return another document of this content."""
        same = self._by_content.get((sha256, kind_of(file.name)), [])
        others = (d for d in same if d.path != str(file.path) and self.is_current(d))
        return min(others, key=lambda document: document.id, default=None)

    def rewrite(self, path: str, sha256: str) -> None:
        """Note what content a path has now, or will have had this not been a dry run."""
        self._rewritten[path] = sha256

    def has_content(self, path: str, sha256: str) -> bool:
        """Whether a document of this content is at a path now."""
        document = self.by_path.get(path)
        return self._rewritten.get(path, document.sha256 if document else None) == sha256

    def replace(self, path: str, document: Document | None) -> None:
        """Note that what was at a path is now ``document``, or nothing."""
        old = self.by_path.pop(path, None)
        self._rewritten.pop(path, None)
        self._gone.pop(path, None)
        self.failed.pop(path, None)
        if old:
            self._by_content[old.sha256, kind_of(old.name)].remove(old)
        if document:
            self.by_path[document.path] = document
            self._index(document)
        if old and document and old.root != document.root:
            self._left.add(old.root)

    def left_behind(self) -> list[Document]:
        """Return the documents of folders elsewhere, from which others moved here, that have lost their files too.

        They are those whose files were changed or deleted when the folder was renamed, or a disk is not mounted.
        """
        return [d for d in self.by_path.values() if d.root in self._left and self._has_lost_its_file(d)]

    def _index(self, document: Document) -> None:
        kind = kind_of(document.name)
        self._by_content.setdefault((document.sha256, kind), []).append(document)
        if self.is_current(document):
            self._hashes.setdefault((document.size, kind), set()).add(document.sha256)

    def _is_unchanged(self, file: FoundFile) -> bool:
        known = self.by_path.get(str(file.path))
        if known is None or (known.size, known.mtime_ns) != (file.size, file.mtime_ns) or not self.is_current(known):
            return False
        return known.settled or is_settled(file.mtime_ns, since=known.ingested_at.timestamp())

    def _is_ours(self, document: Document) -> bool:
        """Whether a document came from this folder: from it, from one above, or from one in it that is not hidden."""
        path = Path(document.path)
        if not lies_below(path, [self._root]):
            return False
        root = folder_of(document)
        hidden = root.is_relative_to(self._root) and any(
            part.startswith(".") for part in root.relative_to(self._root).parts
        )
        return not hidden

    def _is_of_ours(self, failed: FailedFile) -> bool:
        """Whether a failure was met in this folder, or in the one that had its name before."""
        return failed.root == self.named or lies_below(Path(failed.path), [self._root])

    def _has_lost_its_file(self, document: Document) -> bool:
        if document.path in self._gone:
            return True
        # A folder that was renamed as a whole: its documents are those of another root.
        return not lies_below(Path(document.path), [self._root]) and not _exists(document.path)


def kind_of(name: str) -> str:
    """Return what, beside its content, decides how a file is read: only files of one kind can be the same document."""
    return PurePath(name).suffix.lower()


def _is_same(file: FoundFile, size: int, mtime_ns: int, *, since: float) -> bool:
    return (size, mtime_ns) == (file.size, file.mtime_ns) and is_settled(file.mtime_ns, since=since)


def is_settled(mtime_ns: int, *, since: float) -> bool:
    """Whether a file last changed so long before ``since``, in seconds, that any later change shows in its time."""
    return mtime_ns / 1e9 < since - _DOUBTFUL_SECONDS


def _exists(path: str) -> bool:
    try:
        Path(path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
