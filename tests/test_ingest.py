"""From a folder to the library: what is added, kept, replaced, removed and refused."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.pipeline import IngestOptions, ingest_files, ingest_folder
from ingest.progress import show_progress
from rag_app.errors import FolderError, ReadError
from rag_app.library import Library
from rag_app.records import Document, IngestEvent, IngestReport, Scope, contextual_text
from tests.corpus_makers import PARAGRAPH, handbook_word, pdf, pdf_of_images, write_corpus
from tests.fakes import FakeEmbedder
from tests.folders import write

OPTIONS = IngestOptions(workers=1)


def ingest(folder: Path, library: Library, options: IngestOptions = OPTIONS) -> IngestReport:
    return ingest_folder(folder, library, FakeEmbedder(), options=options)


def by_name(library: Library) -> dict[str, Document]:
    return {document.name: document for document in library.documents()}


def reasons(report: IngestReport) -> dict[str, str]:
    return {failure.name: failure.reason for failure in report.failures}


def test_a_folder_of_several_formats_becomes_documents(folder: Path, library: Library) -> None:
    write(folder, "notes/a.txt", "Words about leave.")
    write(folder, "b.md", "# Travel\n\nBook trains.")
    write(folder, "c.pdf", pdf([PARAGRAPH], [PARAGRAPH]))
    write(folder, "d.docx", handbook_word())
    write(folder, "e_and-more.csv", "City,Price\nOslo,3\nRome,4\n")
    report = ingest(folder, library)
    assert report.added == ("b.md", "c.pdf", "d.docx", "e_and-more.csv", "notes/a.txt")
    assert report.failures == ()
    documents = by_name(library)
    assert documents["c.pdf"].pages == 2
    assert [documents[name].title for name in report.added] == ["Travel", "c", "Travel Policy", "e and more", "a"]
    assert documents["notes/a.txt"].path == str(folder.resolve() / "notes/a.txt")
    assert report.chunks == sum(document.chunks for document in documents.values()) == library.verify().vectors
    assert not library.verify().problems


def test_chunks_are_exact_slices_with_page_and_heading(folder: Path, library: Library) -> None:
    write(folder, "c.pdf", pdf(["# Leave", PARAGRAPH * 5], ["# Travel", PARAGRAPH]))
    ingest(folder, library)
    (document,) = library.documents()
    text, chunks = library.text(document.id), library.chunks(document.id)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    assert {(chunk.page, chunk.heading) for chunk in chunks} == {(1, "Leave"), (2, "Travel")}


def test_what_is_embedded_is_the_chunk_under_its_title_and_heading(folder: Path, library: Library) -> None:
    write(folder, "b.md", "# Travel\n\n## Trains\n\nBook early.")
    embedder = FakeEmbedder()
    ingest_folder(folder, library, embedder, options=OPTIONS)
    (document,) = library.documents()
    (chunk,) = library.chunks(document.id)
    assert embedder.embedded == [contextual_text("Travel", "Travel > Trains", chunk.text)]


def test_a_second_run_finds_everything_unchanged_and_embeds_nothing(folder: Path, library: Library) -> None:
    write_corpus(folder, 12)
    first = ingest(folder, library)
    revision = library.revision
    embedder = FakeEmbedder()
    second = ingest_folder(folder, library, embedder, options=OPTIONS)
    assert (len(first.added), second.added, second.unchanged) == (12, (), 12)
    assert (embedder.embedded, library.revision) == ([], revision)


def test_a_changed_file_gets_a_new_version_under_the_same_id(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Ten days.")
    ingest(folder, library)
    before = by_name(library)["a.txt"]
    write(folder, "a.txt", "Twelve days.")
    report = ingest(folder, library)
    after = by_name(library)["a.txt"]
    assert (report.added, report.updated) == ((), ("a.txt",))
    assert (after.id, after.version) == (before.id, 2)
    assert library.text(after.id) == "Twelve days."


def test_a_change_that_keeps_size_and_time_is_noticed_while_the_file_is_fresh(folder: Path, library: Library) -> None:
    file = write(folder, "a.txt", "Ten days.", age_seconds=0)
    ingest(folder, library)
    times = file.stat()
    file.write_text("Two days.", encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert ingest(folder, library).updated == ("a.txt",)


def test_a_file_that_was_only_touched_is_unchanged_and_its_time_is_noted(folder: Path, library: Library) -> None:
    file = write(folder, "a.txt", "Ten days.")
    ingest(folder, library)
    os.utime(file, ns=(1_000_000_000, 1_000_000_000))
    assert ingest(folder, library).unchanged == 1
    (document,) = library.documents()
    assert (document.version, document.mtime_ns) == (1, 1_000_000_000)


def test_a_file_that_was_touched_after_it_was_stored_is_compared_once_more_and_then_no_longer(
    folder: Path, library: Library, tmp_path: Path
) -> None:
    def read() -> list[str]:
        events: list[IngestEvent] = []
        ingest_folder(folder, library, FakeEmbedder(), options=OPTIONS, on_event=events.append)
        return [event.name for event in events if event.step == "reading"]

    write(folder, "a.txt", "Words.")
    assert read() == ["a.txt"]
    write(folder, "a.txt", "Words.", age_seconds=600)
    with closing(sqlite3.connect(tmp_path / "home" / "library.sqlite3")) as connection:
        connection.execute("UPDATE documents SET ingested_at = '2020-01-01 00:00:00'")
        connection.commit()
    assert [read(), read()] == [["a.txt"], []]
    write(folder, "a.txt", "Worse.", age_seconds=500)
    assert [read(), library.documents()[0].version] == [["a.txt"], 2]


def test_a_file_that_is_gone_is_removed_and_found_by_no_search(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "The zeppelin lands on Monday.")
    write(folder, "b.txt", "Nothing else.")
    ingest(folder, library)
    (folder / "a.txt").unlink()
    assert ingest(folder, library).removed == ("a.txt",)
    assert list(by_name(library)) == ["b.txt"]
    assert library.search_words("zeppelin", 5) == []


def test_a_file_that_is_ignored_now_is_removed(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Words.")
    write(folder, "drafts/b.txt", "Words.")
    ingest(folder, library)
    write(folder, ".ragignore", "drafts/\n")
    assert ingest(folder, library).removed == ("drafts/b.txt",)


def test_a_folder_that_holds_nothing_any_more_is_emptied_with_a_warning(folder: Path, library: Library) -> None:
    file = write(folder, "a.txt", "Words.")
    ingest(folder, library)
    file.unlink()
    report = ingest(folder, library)
    assert report.removed == ("a.txt",)
    assert "holds no file that can be read" in report.warnings[0]


def test_files_of_kinds_that_are_not_read_are_counted(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Words.")
    (folder / "film.mp4").write_bytes(bytes(range(256)))
    report = ingest(folder, library)
    assert (report.added, report.skipped, report.warnings) == (("a.txt",), 1, ())


def test_documents_from_elsewhere_stay(folder: Path, library: Library) -> None:
    write(folder, "one/a.txt", "Words.")
    write(folder, "two/b.txt", "Words.")
    ingest(folder / "one", library)
    assert ingest(folder / "two", library).removed == ()
    assert list(by_name(library)) == ["a.txt", "b.txt"]


def test_collections_do_not_touch_each_other(folder: Path, library: Library) -> None:
    file = write(folder, "a.txt", "Words.")
    ingest(folder, library, replace(OPTIONS, collection="one"))
    ingest(folder, library, replace(OPTIONS, collection="two"))
    file.unlink()
    ingest(folder, library, replace(OPTIONS, collection="one"))
    assert [d.name for d in library.documents(Scope(collections=("two",)))] == ["a.txt"]
    assert library.documents(Scope(collections=("one",))) == []


def test_the_folder_above_takes_over_what_was_ingested_from_a_part_of_it(folder: Path, library: Library) -> None:
    write(folder, "hr/a.txt", "Words.")
    gone = write(folder, "hr/b.txt", "Words.")
    ingest(folder / "hr", library)
    gone.unlink()
    report = ingest(folder, library)
    assert (report.added, report.unchanged, report.removed) == ((), 1, ("b.txt",))


def test_two_files_of_the_same_content_are_two_documents(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Same words.")
    write(folder, "b.txt", "Same words.")
    ingest(folder, library)
    documents = library.documents()
    assert len({document.path for document in documents}) == 2
    assert len({document.sha256 for document in documents}) == 1


def test_a_dry_run_tells_and_touches_nothing(folder: Path, library: Library) -> None:
    write(folder, "old.txt", "Old words.")
    write(folder, "changed.txt", "Words.")
    touched = write(folder, "touched.txt", "Words.")
    ingest(folder, library)
    (folder / "old.txt").unlink()
    write(folder, "changed.txt", "Other words.")
    write(folder, "new.txt", "New words.")
    write(folder, "bad.pdf", b"")
    os.utime(touched, ns=(5, 5))
    before, revision = library.documents(), library.revision
    embedder = FakeEmbedder()
    report = ingest_folder(folder, library, embedder, options=replace(OPTIONS, dry_run=True))
    assert (report.added, report.updated, report.removed) == (("new.txt",), ("changed.txt",), ("old.txt",))
    assert (report.unchanged, report.chunks, list(reasons(report))) == (1, 2, ["bad.pdf"])
    assert (library.documents(), library.revision, embedder.embedded) == (before, revision, [])


def test_a_bad_file_is_a_failure_with_its_reason_and_the_rest_goes_on(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Words.")
    write(folder, "empty.pdf", b"")
    write(folder, "cut.pdf", pdf([PARAGRAPH])[:800])
    write(folder, "locked.pdf", pdf([PARAGRAPH], password="secret"))
    write(folder, "scan.pdf", pdf_of_images())
    write(folder, "invalid.txt", bytes(range(256)) * 10)
    write(folder, "utf8.txt", b"caf\xe9 \xff words")
    write(folder, "fake.docx", b"PK\x03\x04 not really")
    write(folder, "z.txt", "Words.")
    (folder / "gone.txt").symlink_to(folder / "nothing")
    report = ingest(folder, library)
    assert report.added == ("a.txt", "utf8.txt", "z.txt")
    found = reasons(report)
    expected = {
        "empty.pdf": "is empty (0 bytes)",
        "cut.pdf": "is truncated",
        "locked.pdf": "protected by a password",
        "scan.pdf": "no text layer",
        "invalid.txt": "does not hold text",
        "fake.docx": "damaged or no Word document",
        "gone.txt": "does not exist",
    }
    assert set(found) == set(expected)
    assert all(part in found[name] and name in found[name] for name, part in expected.items())


def test_a_file_that_becomes_unreadable_keeps_its_old_version_and_says_so(folder: Path, library: Library) -> None:
    write(folder, "a.pdf", pdf([PARAGRAPH]))
    ingest(folder, library)
    write(folder, "a.pdf", pdf([PARAGRAPH])[:500])
    report = ingest(folder, library)
    assert report.removed == ()
    assert "(version 1) stays" in reasons(report)["a.pdf"]
    assert by_name(library)["a.pdf"].version == 1


def test_a_file_of_200_megabytes_is_refused_without_being_read(folder: Path, library: Library) -> None:
    with (folder / "huge.txt").open("wb") as file:
        file.truncate(200 * 2**20)
    write(folder, "a.txt", "Words.")
    report = ingest(folder, library, replace(OPTIONS, read_memory_bytes=512 * 2**20))
    assert report.added == ("a.txt",)
    assert "has 200 MB, more than the 100 MB" in reasons(report)["huge.txt"]


def test_a_file_that_needs_too_much_memory_is_a_failure_and_the_rest_goes_on(folder: Path, library: Library) -> None:
    write(folder, "words.txt", b"many words " * 8 * 2**20)
    write(folder, "z.txt", "Words.")
    report = ingest(folder, library, replace(OPTIONS, read_memory_bytes=300 * 2**20))
    assert report.added == ("z.txt",)
    assert "words.txt is too large" in reasons(report)["words.txt"]


def test_a_file_that_takes_too_long_is_given_up_and_the_rest_goes_on(folder: Path, library: Library) -> None:
    # Quadratic in its size: hundreds of thousands of emphasis marks that never close.
    write(folder, "slow.md", "*a **b " * 600_000)
    write(folder, "z.txt", "Words.")
    report = ingest(folder, library, replace(OPTIONS, read_seconds=1.5))
    assert report.added == ("z.txt",)
    assert "took longer than 2 s to read" in reasons(report)["slow.md"]


def test_a_missing_folder_is_an_error(folder: Path, library: Library) -> None:
    with pytest.raises(FolderError, match="does not exist"):
        ingest(folder / "nowhere", library)


def test_the_folder_of_a_user_who_does_not_exist_is_an_error(library: Library) -> None:
    with pytest.raises(FolderError, match="~nobody-of-that-name cannot be listed"):
        ingest(Path("~nobody-of-that-name"), library)


def test_a_missing_folder_removes_nothing(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Words.")
    ingest(folder, library)
    folder.rename(folder.with_name("moved"))
    with pytest.raises(FolderError):
        ingest(folder, library)
    assert list(by_name(library)) == ["a.txt"]


def test_the_order_of_documents_does_not_depend_on_the_number_of_workers(folder: Path, library: Library) -> None:
    write_corpus(folder, 20)
    assert list(ingest(folder, library, replace(OPTIONS, workers=3)).added) == sorted(by_name(library))
    ids = [document.id for document in sorted(library.documents(), key=lambda document: document.name)]
    assert ids == sorted(ids)


def test_single_files_are_added_and_updated_and_nothing_is_removed(folder: Path, library: Library) -> None:
    one, two = write(folder, "one.txt", "Words."), write(folder, "two.pdf", b"")
    write(folder, "other.txt", "Words.")
    ingest_files([folder / "other.txt"], folder, library, FakeEmbedder(), options=OPTIONS)
    report = ingest_files([one, two, folder / "gone.txt"], folder, library, FakeEmbedder(), options=OPTIONS)
    assert report.added == ("one.txt",)
    assert set(reasons(report)) == {"two.pdf", "gone.txt"}
    assert sorted(by_name(library)) == ["one.txt", "other.txt"]
    write(folder, "one.txt", "Other words.")
    assert ingest_files([one], folder, library, FakeEmbedder(), options=OPTIONS).updated == ("one.txt",)


def test_events_tell_of_every_file_and_end_at_the_total(folder: Path, library: Library) -> None:
    write(folder, "a.txt", "Words.")
    write(folder, "b.pdf", b"")
    events: list[IngestEvent] = []
    ingest_folder(folder, library, FakeEmbedder(), options=OPTIONS, on_event=events.append)
    steps = {name: [event.step for event in events if event.name == name] for name in ("a.txt", "b.pdf")}
    assert steps == {"a.txt": ["found", "reading", "embedding", "stored"], "b.pdf": ["found", "reading", "failed"]}
    assert (events[-1].done, events[-1].total) == (2, 2)
    assert [event.failure.name for event in events if event.failure] == ["b.pdf"]
    again: list[IngestEvent] = []
    (folder / "a.txt").unlink()
    ingest_folder(folder, library, FakeEmbedder(), options=OPTIONS, on_event=again.append)
    assert again[-1].step == "removed"


def test_an_embedder_that_fails_leaves_whole_documents_and_no_reader_behind(folder: Path, library: Library) -> None:
    class Failing(FakeEmbedder):
        def embed_passages(
            self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
        ) -> NDArray[np.float32]:
            raise KeyboardInterrupt

    write_corpus(folder, 5)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        ingest_folder(folder, library, Failing(), options=OPTIONS)
    assert threading.active_count() == before
    assert library.documents() == []
    assert len(ingest(folder, library).added) == 5


def test_a_reader_that_cannot_be_started_is_an_error_that_says_what_to_do(
    folder: Path, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a.txt", "Ten days.")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with pytest.raises(ReadError, match="cannot be started: No such file"):
        ingest(folder, library)


def test_progress_goes_to_stderr_and_names_failures(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    with show_progress() as on_event:
        on_event(IngestEvent("found", "a.txt", 0, 2))
        on_event(IngestEvent("reading", "a" * 100, 0, 2))
        on_event(IngestEvent("stored", "a.txt", 1, 2))
    out, err = capfd.readouterr()
    assert out == ""
    assert err


def test_reading_needs_no_model() -> None:
    program = (
        "import sys, ingest.worker; print(sorted({'torch', 'transformers', 'faiss', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
