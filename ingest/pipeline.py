"""Make a collection equal to a folder: find what changed, read it, split it, embed it, store it, all at once.

Reading and splitting happen in processes, embedding in a thread, writing in the thread that calls. Each document is
stored in one transaction, so a run that is stopped anywhere leaves whole documents only, and the next run goes on
from there. A file that cannot be read becomes a Failure; the version of it that the library already had stays.

Every file is accounted for: those found are those added, updated, moved, unchanged and failed, each in one of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ingest.discovery import Discovery, FoundFile, checked_folder, discover, found_file
from ingest.options import IngestOptions as IngestOptions
from ingest.options import PassageEmbedder as PassageEmbedder
from ingest.readers.tesseract import INSTALL
from ingest.reading import ReadingPool
from ingest.roots import follow, name_of
from ingest.run import OpenReading, Run
from ingest.sync import Inventory
from ingest.tally import OnEvent as OnEvent
from ingest.tally import Tally
from rag_app.library import Library
from rag_app.records import Document, Failure, IngestReport, Scope

# So many at once are more likely on a disk that is not mounted than removed on purpose.
_MANY_DOCUMENTS = 100
_SOME_DOCUMENTS = 20


def ingest_folder(
    folder: Path,
    library: Library,
    embedder: PassageEmbedder,
    *,
    options: IngestOptions,
    on_event: OnEvent | None = None,
    open_reading: OpenReading = ReadingPool,
) -> IngestReport:
    """Add and update what the folder holds, and remove from the collection what is no longer in it.

    Documents of the collection that come from outside the folder are left alone. A document whose file was moved,
    inside the folder or with it, moves along. The folder is the one of that name: where the name is a link that leads
    elsewhere than before, the documents follow it.

    Raises:
        FolderError: the folder does not exist, is none or cannot be listed.
        LibraryError: the library cannot be written.
    """
    root = checked_folder(folder)
    tally = Tally(on_event)
    scope = Scope(collections=(options.collection,))
    followed = follow(library.documents(scope), root=root, named=name_of(folder))
    if followed.changed and not options.dry_run:
        library.reroot(followed.changed)
    failures = library.failures(scope, left_out=True)
    inventory = Inventory(root, followed.documents, failures, named=name_of(folder), reading=options.reading(embedder))
    found = discover(root, leave_out=options.leave_out, known=inventory.by_path.keys())
    run = Run(root, library, embedder, options=options, inventory=inventory, tally=tally, open_reading=open_reading)
    tally.found([*(file.name for file in found.files), *(failure.name for failure in found.failures)])
    for failure in found.failures:
        run.fail(failure)
    present = {str(file.path) for file in found.files} | {str(root / failure.name) for failure in found.failures}
    unseen = (*found.unlisted, *(path for path in options.leave_out if root in path.parents))
    inventory.mark_gone(present, unseen=unseen)
    run.bring_in(inventory.plan(found.files, reader=options.reader, retry_failed=options.retry_failed))
    kept = () if options.force else _suspicious(inventory, found)
    if not kept:
        run.remove(inventory.gone())
    if not options.dry_run:
        for failed in inventory.gone_failures(present, unseen=unseen):
            library.forget_failure(options.collection, failed.path)
    warnings = _warnings_of(folder, found, kept=kept, left_behind=inventory.left_behind(), without_text=tally.left_out)
    return replace(
        tally.report(),
        duplicates=tuple(run.duplicates()),
        kept=tuple(document.name for document in kept),
        skipped=found.skipped + len(tally.left_out),
        warnings=warnings,
    )


def ingest_files(
    files: Sequence[Path],
    root: Path,
    library: Library,
    embedder: PassageEmbedder,
    *,
    options: IngestOptions,
    on_event: OnEvent | None = None,
    open_reading: OpenReading = ReadingPool,
) -> IngestReport:
    """Add or update just these files; their names are their paths below ``root``. Nothing is moved or removed.

    They are read even if they failed before, and failures are only reported.
    """
    root = root.expanduser().resolve()
    tally = Tally(on_event)
    documents = library.documents(Scope(collections=(options.collection,)))
    inventory = Inventory(root, documents, (), follows_files=False, reading=options.reading(embedder))
    run = Run(root, library, embedder, options=options, inventory=inventory, tally=tally, open_reading=open_reading)
    tally.found([path.name for path in files])
    found: list[FoundFile] = []
    for path in files:
        try:
            found.append(found_file(path.expanduser().resolve(), root))
        except OSError as error:
            reason = f"{path.name} cannot be opened: {error.strerror}. Check that it exists and may be read."
            run.fail(Failure(path.name, reason))
    run.bring_in(inventory.plan(found, reader=options.reader, retry_failed=True))
    return replace(tally.report(), duplicates=tuple(run.duplicates()))


def _suspicious(inventory: Inventory, found: Discovery) -> list[Document]:
    """Return the documents that have lost their files, if they are so many that this may be a mishap."""
    gone = inventory.gone()
    empty = not found.files and not found.failures and len(gone) >= _SOME_DOCUMENTS
    if empty or (len(gone) >= _MANY_DOCUMENTS and len(gone) > inventory.with_file()):
        return gone
    return []


def _warnings_of(
    folder: Path,
    found: Discovery,
    *,
    kept: Sequence[Document],
    left_behind: Sequence[Document],
    without_text: Sequence[str],
) -> tuple[str, ...]:
    warnings = []
    if kept:
        warnings.append(
            f"{len(kept)} documents have no file in {folder} any more, which is most of them: they were kept, in case "
            "a disk is not mounted. If they are to be removed, run this again with --force."
        )
    if left_behind:
        first = left_behind[0]
        warnings.append(
            f"{len(left_behind)} documents from folders that others moved away from have lost their files and still "
            f"answer; the first is {first.name} (number {first.id}) from {first.root}. If they are not wanted, remove "
            f"them: 'rag-app documents remove {first.id}'."
        )
    if found.pictures:
        warnings.append(f"{found.pictures} pictures were left out. To have their text read, {INSTALL}.")
    if without_text:
        many = len(without_text) > 1
        told = f"{len(without_text)} pictures without any text were" if many else "1 picture without any text was"
        warnings.append(f"{told} left out{'; the first is' if many else ':'} {min(without_text)}.")
    if not kept and not found.files and not found.failures:
        others = (
            f" ({found.skipped} of other kinds, pictures without text or links were left out)" if found.skipped else ""
        )
        warnings.append(f"{folder} holds no file that can be read{others}; the collection now holds nothing from it.")
    return tuple(warnings)
