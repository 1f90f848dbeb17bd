"""The work of an ingestion: what is done with uploads and folders, by the page's own library and models."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rag_app.errors import FolderError, PageError
from rag_app.records import FailedFile, Failure, IngestReport, Scope
from ui.ingestion import OnEvent, OpenReading, Work
from ui.server_folders import checked_server_folder
from ui.uploads import KeptUploads, Upload, is_hidden

if TYPE_CHECKING:
    from rag_app.assembly import Application

# After so many, the next search would begin with work on the index that is better done now.
_MANY_CHUNKS = 1000


def worth_taking(upload: Upload) -> bool:
    """Whether a file of an uploaded folder is a document: folders have drawings, programs and hidden files in them."""
    from ingest.readers import SUFFIXES
    from ingest.readers.tesseract import find_program
    from ingest.sniffing import SNIFFED_BYTES, readable

    suffix, content = PurePosixPath(upload.name).suffix.lower(), upload.getbuffer()
    is_picture = SUFFIXES.get(suffix) == "image"
    is_empty_code = suffix in (".py", ".pyi") and not len(content)
    if is_hidden(upload.name) or is_empty_code or (is_picture and not find_program()):
        return False
    return readable(suffix, bytes(content[:SNIFFED_BYTES]))


def uploads_work(application: "Application", kept: KeptUploads) -> Work:
    """Return the work of ingesting uploads. Those that fail are taken back; that they did and why is remembered."""

    def work(on_event: OnEvent, open_reading: OpenReading) -> IngestReport:
        # Imported here because the readers of all formats come with it: the page is painted first.
        from ingest.pipeline import ingest_files
        from rag_app.assembly import ingest_options

        try:
            kept.place()
            report = ingest_files(
                [path for path in kept.paths if path.exists()],
                kept.folder,
                application.library,
                application.embedder,
                options=ingest_options(application.settings, collection=kept.collection),
                on_event=on_event,
                open_reading=open_reading,
            )
            _remember(application, kept, report.failures)
        finally:
            # Stopped in the middle, what is stored stays and the rest is taken back.
            stored = _stored(application, kept)
            kept.settle([name for name in kept.names if name not in stored])
        _settle_index(application, report)
        return report

    return work


def folder_work(application: "Application", folder: Path, collection: str, *, dry: bool = False) -> Work:
    """Return the work of making a collection equal to a folder, or of finding out what that would change."""

    def work(on_event: OnEvent, open_reading: OpenReading) -> IngestReport:
        from ingest.pipeline import ingest_folder
        from rag_app.assembly import ingest_options

        # Since it was chosen, a link may have taken its place, or other folders may be allowed.
        checked_server_folder(str(folder), application.settings)
        report = ingest_folder(
            folder,
            application.library,
            application.embedder,
            options=ingest_options(application.settings, collection=collection, dry_run=dry),
            on_event=on_event,
            open_reading=open_reading,
        )
        if not dry:
            _settle_index(application, report)
        return report

    return work


def may_be_read_now(application: "Application", failure: FailedFile) -> bool:
    """Whether the page itself may read a file that could not be read: one of a folder that it may ingest."""
    try:
        # A folder behind a link is followed by ingesting it as a whole alone, and so is what lies in an archive.
        root = checked_server_folder(failure.root, application.settings)
        return str(root) == failure.root and Path(failure.path).is_file()
    except (PageError, FolderError):
        return False


def file_work(application: "Application", failure: FailedFile) -> Work:
    """Return the work of reading one file of a folder again. It stays on the list of failures until it is good."""

    def work(on_event: OnEvent, open_reading: OpenReading) -> IngestReport:
        from ingest.pipeline import ingest_files
        from rag_app.assembly import ingest_options

        root, path = checked_server_folder(failure.root, application.settings), Path(failure.path)
        report = ingest_files(
            [path],
            root,
            application.library,
            application.embedder,
            options=ingest_options(application.settings, collection=failure.collection),
            on_event=on_event,
            open_reading=open_reading,
        )
        if not report.failures:
            application.library.forget_failure(failure.collection, failure.path)
        elif path.exists():
            noted = replace(failure, size=path.stat().st_size, mtime_ns=path.stat().st_mtime_ns, sha256=_sha256(path))
            application.library.note_failure(
                replace(noted, reason=report.failures[0].reason, failed_at=datetime.now(UTC), attempts=1)
            )
        return report

    return work


def _stored(application: "Application", kept: KeptUploads) -> set[str]:
    """Return the uploads that the library has as they are: it knows, however the ingestion ended."""
    documents = application.library.documents(Scope(collections=(kept.collection,)))
    known = {document.path: document.sha256 for document in documents}
    return {
        name
        for name, path in zip(kept.names, kept.paths, strict=True)
        if (sha256 := known.get(str(path.resolve()))) and path.is_file() and sha256 == _sha256(path)
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remember(application: "Application", kept: KeptUploads, failures: tuple[Failure, ...]) -> None:
    """Note the failures of uploads, which are gone with their files otherwise; forget those of files that are good."""
    library, failed = application.library, {failure.name for failure in failures}
    known = {failure.path for failure in library.failures()}
    for name, path in zip(kept.names, kept.paths, strict=True):
        if name not in failed and str(path.resolve()) in known:
            library.forget_failure(kept.collection, str(path.resolve()))
    for failure in failures:
        path = (kept.folder / failure.name).resolve()
        if path.exists():
            noted = FailedFile(
                collection=kept.collection,
                path=str(path),
                name=failure.name,
                root=str(kept.folder.resolve()),
                size=path.stat().st_size,
                mtime_ns=0,  # An upload has no time of its own: so attempts on the same file are counted.
                sha256=_sha256(path),
                reason=failure.reason,
            )
            library.note_failure(noted)


def _settle_index(application: "Application", report: IngestReport) -> None:
    if report.chunks >= _MANY_CHUNKS:
        application.library.settle_index()
