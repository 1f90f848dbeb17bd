"""What was read by other readers, or split into chunks of other sizes, is read again though its file is as it was."""

import sqlite3
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ingest.pipeline import ingest_files, ingest_folder
from ingest.reading import ReadFile, Request, Unread
from rag_app.library import Library
from tests.fakes import FakeEmbedder
from tests.folders import OPTIONS, Desk, write
from tests.reading_here import ReadingHere

SENTENCES = [f"Sentence {n} tells of leave in month {n}, and of nothing else that matters here." for n in range(30)]


def make_folder(folder: Path) -> None:
    write(folder, "long.txt", "\n\n".join(SENTENCES))
    write(folder, "short.txt", "Five days may be carried over.")


def chunks_of(library: Library) -> dict[str, list[tuple[int, str]]]:
    return {d.name: [(chunk.id, chunk.text) for chunk in library.chunks(d.id)] for d in library.documents()}


def run_sql(tmp_path: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(tmp_path / "home" / "library.sqlite3", isolation_level=None)) as connection:
        connection.execute(statement, values)


def test_other_sizes_of_chunks_split_documents_anew(desk: Desk, folder: Path, tmp_path: Path) -> None:
    make_folder(folder)
    desk.ingest()
    before = chunks_of(desk.library)
    report = desk.ingest(chunk_tokens=64)
    assert set(report.read_again) == {"long.txt", "short.txt"}
    assert (report.added, report.updated, report.unchanged, report.files) == ((), (), 0, 2)
    after = chunks_of(desk.library)
    assert len(after["long.txt"]) > len(before["long.txt"])
    assert after["short.txt"] == before["short.txt"]
    assert {document.version for document in desk.library.documents()} == {1}
    assert desk.library.verify().problems == ()
    with Library.open(
        f"sqlite:///{tmp_path}/other.sqlite3", index_folder=tmp_path, embedder="fake", dimensions=64
    ) as o:
        Desk(folder, o).ingest(chunk_tokens=64)
        fresh = {name: [text for _, text in chunks] for name, chunks in chunks_of(o).items()}
    assert {name: [text for _, text in chunks] for name, chunks in after.items()} == fresh


def test_only_chunks_of_other_words_are_embedded_again(desk: Desk, folder: Path) -> None:
    make_folder(folder)
    desk.ingest()
    desk.ingest(chunk_tokens=64)
    assert desk.embedded
    assert not any("carried over" in text for text in desk.embedded)
    desk.ingest(chunk_tokens=64)
    assert desk.embedded == []


def test_what_was_read_again_is_unchanged_the_next_time(desk: Desk, folder: Path) -> None:
    make_folder(folder)
    desk.ingest()
    desk.ingest(chunk_overlap=0)
    report = desk.ingest(chunk_overlap=0)
    assert (report.read_again, report.unchanged) == ((), 2)


def test_other_readers_read_anew_and_keep_the_chunks_that_are_the_same(
    desk: Desk, folder: Path, tmp_path: Path
) -> None:
    make_folder(folder)
    desk.ingest()
    before = chunks_of(desk.library)
    run_sql(tmp_path, "UPDATE documents SET reading = ''")
    assert desk.ingest(dry_run=True).read_again == ("long.txt", "short.txt")
    report = desk.ingest()
    assert report.read_again == ("long.txt", "short.txt")
    assert desk.embedded == []
    assert chunks_of(desk.library) == before
    assert desk.ingest().unchanged == 2


def test_words_that_are_read_no_more_leave_the_disk(desk: Desk, folder: Path, tmp_path: Path) -> None:
    make_folder(folder)
    desk.ingest()
    marks = "misread as gibberish ".upper() * 9
    run_sql(tmp_path, "UPDATE document_texts SET text = ? || text", marks)
    run_sql(tmp_path, "UPDATE documents SET reading = 'readers of long ago'")
    desk.ingest()
    desk.library.close()
    assert b"MISREAD AS GIBBERISH" not in (tmp_path / "home" / "library.sqlite3").read_bytes()
    assert desk.texts()["short.txt"] == "Five days may be carried over."


def test_a_changed_file_is_updated_and_not_just_read_again(desk: Desk, folder: Path) -> None:
    make_folder(folder)
    desk.ingest()
    write(folder, "short.txt", "Six days may be carried over.", age_seconds=60)
    report = desk.ingest(chunk_tokens=64)
    assert (report.updated, report.read_again) == (("short.txt",), ("long.txt",))
    assert desk.documents()["short.txt"].version == 2


def test_a_document_of_two_files_is_read_again_in_both(desk: Desk, folder: Path) -> None:
    make_folder(folder)
    write(folder, "copy.txt", "\n\n".join(SENTENCES))
    desk.ingest()
    report = desk.ingest(chunk_tokens=64)
    assert set(report.read_again) == {"copy.txt", "long.txt", "short.txt"}
    texts = {name: [text for _, text in chunks] for name, chunks in chunks_of(desk.library).items()}
    assert texts["copy.txt"] == texts["long.txt"]
    assert desk.ingest(chunk_tokens=64).unchanged == 3


def test_a_file_that_is_given_again_is_read_again_too(desk: Desk, folder: Path) -> None:
    make_folder(folder)
    desk.ingest(chunk_tokens=64)
    report = ingest_files(
        [folder / "long.txt"], folder, desk.library, FakeEmbedder(), options=OPTIONS, open_reading=ReadingHere
    )
    assert report.read_again == ("long.txt",)


def test_a_copy_of_what_another_program_reads_anew_meanwhile_is_read_for_itself(desk: Desk, folder: Path) -> None:
    write(folder, "a.txt", "\n\n".join(SENTENCES))
    desk.ingest()
    write(folder, "copy.txt", "\n\n".join(SENTENCES))
    other = replace(OPTIONS, chunk_tokens=64)

    class Slower(ReadingHere):
        def submit(self, request: Request) -> "Future[ReadFile | Unread]":
            ingest_files(
                [folder / "a.txt"], folder, desk.library, FakeEmbedder(), options=other, open_reading=ReadingHere
            )
            return super().submit(request)

    ingest_folder(folder, desk.library, FakeEmbedder(), options=OPTIONS, open_reading=Slower)
    texts = {name: [text for _, text in chunks] for name, chunks in chunks_of(desk.library).items()}
    assert len(texts["a.txt"]) > len(texts["copy.txt"])
    assert {name: d.reading for name, d in desk.documents().items()} == {
        "a.txt": other.reading(FakeEmbedder()),
        "copy.txt": OPTIONS.reading(FakeEmbedder()),
    }
    assert desk.library.verify().problems == ()
