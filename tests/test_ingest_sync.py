"""A collection follows its folder: what moved, was copied, swapped, broke, mended or went away."""

import os
from concurrent.futures import Future
from dataclasses import replace

import pytest

from ingest.orders import Orders
from ingest.pipeline import ingest_folder
from ingest.reading import ReadFile, Request, Unread
from ingest.wire import SplitText
from rag_app.records import (
    ExtractedText,
    IngestEvent,
    NewDocument,
    Section,
    Span,
    contextual_text,
)
from tests.corpus_makers import write_corpus
from tests.fakes import FakeEmbedder
from tests.folders import OPTIONS, Desk, write
from tests.reading_here import ReadingHere


def test_a_moved_file_keeps_its_document_and_nothing_is_embedded(desk: Desk) -> None:
    file = write(desk.folder, "a.txt", "The zeppelin lands on Monday.")
    write(desk.folder, "b.txt", "Other words.")
    desk.ingest()
    before = desk.documents()["a.txt"]
    (desk.folder / "deep").mkdir()
    file.rename(desk.folder / "deep" / "c.txt")
    report = desk.ingest()
    after = desk.documents()["deep/c.txt"]
    assert (report.moved, report.added, report.removed) == ((("a.txt", "deep/c.txt"),), (), ())
    assert (after.id, after.version, after.path) == (before.id, before.version, str(desk.folder / "deep/c.txt"))
    assert desk.embedded == []
    assert report.to_json()["moved"] == [["a.txt", "deep/c.txt"]]
    assert desk.ingest().unchanged == 2


def test_a_title_that_was_made_of_a_name_is_made_anew_of_the_next_one(desk: Desk) -> None:
    scan = write(desk.folder, "scan_0012.txt", "The zeppelin lands on Monday.\n\nIt leaves on Friday.")
    titled = write(desk.folder, "b.md", "---\ntitle: The mill\n---\n\nIt stands still on Sunday.")
    desk.ingest()
    before = desk.library.known_vectors([contextual_text("scan 0012", None, desk.texts()["scan_0012.txt"])])
    scan.rename(desk.folder / "landing-rules.txt")
    titled.rename(desk.folder / "c.md")
    (desk.folder / "copy_of_rules.txt").write_bytes((desk.folder / "landing-rules.txt").read_bytes())
    report = desk.ingest()
    assert (len(report.moved), len(report.duplicates), desk.embedded) == (2, 1, [])
    assert {name: document.title for name, document in desk.documents().items()} == {
        "landing-rules.txt": "landing rules",
        "copy_of_rules.txt": "copy of rules",
        "c.md": "The mill",
    }
    after = desk.library.known_vectors([contextual_text("landing rules", None, desk.texts()["landing-rules.txt"])])
    assert (before[0] == after[0]).all()  # type: ignore[union-attr] # a text that is stored has a vector
    assert desk.library.verify().problems == ()
    assert (len(desk.library.search_words("copy", 5)), desk.library.search_words("0012", 5)) == (1, [])


def test_a_folder_that_is_renamed_as_a_whole_takes_its_documents_along(desk: Desk) -> None:
    write(desk.folder, "a.txt", "Words.")
    write(desk.folder, "in/b.txt", "Other words.")
    desk.ingest()
    ids = {document.id for document in desk.documents().values()}
    elsewhere = desk.folder.rename(desk.folder.with_name("elsewhere"))
    report = desk.ingest(elsewhere)
    assert report.moved == (("a.txt", "a.txt"), ("in/b.txt", "in/b.txt"))
    assert {document.id for document in desk.documents().values()} == ids
    assert {document.root for document in desk.documents().values()} == {str(elsewhere)}


def test_what_a_renamed_folder_leaves_behind_is_told(desk: Desk) -> None:
    write(desk.folder, "a.txt", "Words.")
    write(desk.folder, "b.txt", "Other words.")
    desk.ingest()
    old = desk.documents()["b.txt"]
    elsewhere = desk.folder.rename(desk.folder.with_name("elsewhere"))
    write(elsewhere, "b.txt", "Changed words.")
    report = desk.ingest(elsewhere)
    assert (report.moved, report.added, report.removed) == ((("a.txt", "a.txt"),), ("b.txt",), ())
    (warning,) = report.warnings
    assert f"b.txt (number {old.id}) from {desk.folder}" in warning
    assert desk.ingest(elsewhere).warnings == ()


def test_of_several_lost_documents_the_one_of_the_same_file_name_is_found_again(desk: Desk) -> None:
    write(desk.folder, "one/x.txt", "Same words.")
    write(desk.folder, "two/y.txt", "Same words.")
    desk.ingest()
    ids = {name: document.id for name, document in desk.documents().items()}
    (desk.folder / "one").rename(desk.folder / "three")
    (desk.folder / "two").rename(desk.folder / "four")
    report = desk.ingest()
    assert dict(report.moved) == {"one/x.txt": "three/x.txt", "two/y.txt": "four/y.txt"}
    assert desk.documents()["three/x.txt"].id == ids["one/x.txt"]
    assert report.removed == ()


@pytest.mark.parametrize("change", ["touched", "moved"])
def test_a_document_that_is_removed_while_its_file_is_read_is_added_anew(desk: Desk, change: str) -> None:
    file = write(desk.folder, "a.txt", "The zeppelin lands on Monday.")
    desk.ingest()
    if change == "touched":
        os.utime(file, (1e9, 1e9))
    else:
        file = file.rename(desk.folder / "b.txt")

    def remove_all(event: IngestEvent) -> None:
        if event.step == "reading":
            for document in desk.library.documents():
                desk.library.remove(document.id)

    report = ingest_folder(
        desk.folder, desk.library, FakeEmbedder(), options=OPTIONS, on_event=remove_all, open_reading=ReadingHere
    )
    assert (report.added, report.failures) == ((file.name,), ())
    assert desk.texts() == {file.name: "The zeppelin lands on Monday."}


def test_a_moved_file_that_another_program_has_stored_meanwhile_is_there_once(desk: Desk) -> None:
    write(desk.folder, "a.txt", "The zeppelin lands on Monday.").rename(desk.folder / "b.txt")
    desk.ingest()
    stored = desk.documents()["b.txt"]
    (desk.folder / "b.txt").rename(desk.folder / "a.txt")
    desk.ingest()
    (desk.folder / "a.txt").rename(desk.folder / "b.txt")

    def store_it(event: IngestEvent) -> None:
        if event.step == "reading":
            text = "The zeppelin lands on Monday."
            span = Span(0, len(text), None, None)
            facts = {name: getattr(stored, name) for name in "name path root sha256 size mtime_ns title pages".split()}
            new = NewDocument(text=text, spans=(span,), **facts)
            desk.library.store(new, FakeEmbedder().embed_passages([text]))

    report = ingest_folder(
        desk.folder, desk.library, FakeEmbedder(), options=OPTIONS, on_event=store_it, open_reading=ReadingHere
    )
    assert (report.unchanged, report.removed, report.failures) == (1, ("a.txt",), ())
    assert list(desk.documents()) == ["b.txt"]
    assert desk.library.verify().problems == ()


def test_a_name_that_changes_only_its_case_is_a_move(desk: Desk) -> None:
    file = write(desk.folder, "Readme.txt", "Words.")
    desk.ingest()
    file.rename(desk.folder / "README.txt")
    assert desk.ingest().moved == (("Readme.txt", "README.txt"),)


def test_a_copy_is_a_document_of_its_own_and_nothing_is_embedded(desk: Desk) -> None:
    write(desk.folder, "b.txt", "The zeppelin lands on Monday.")
    desk.ingest()
    write(desk.folder, "a.txt", "The zeppelin lands on Monday.")
    report = desk.ingest()
    assert (report.added, report.duplicates, desk.embedded) == (("a.txt",), (("a.txt", "b.txt"),), [])
    documents = desk.documents()
    assert (documents["a.txt"].title, documents["b.txt"].title) == ("a", "b")
    assert desk.library.verify().problems == ()


def test_a_copy_that_is_read_in_another_way_is_read_by_itself(desk: Desk) -> None:
    write(desk.folder, "a.md", "# Rules\n\n- The *zeppelin* lands on Monday.\n")
    desk.ingest()
    write(desk.folder, "b.txt", "# Rules\n\n- The *zeppelin* lands on Monday.\n")
    assert desk.ingest().duplicates == ()
    alone = desk.texts()["b.txt"]
    (desk.folder / "a.md").rename(desk.folder / "c.txt")
    report = desk.ingest()
    assert (report.moved, report.removed, report.duplicates) == ((), ("a.md",), (("c.txt", "b.txt"),))
    assert desk.texts() == {"b.txt": alone, "c.txt": alone}


def test_a_file_without_suffix_that_breaks_keeps_its_document(desk: Desk) -> None:
    write(desk.folder, "notes", "The zeppelin lands on Monday.")
    desk.ingest()
    write(desk.folder, "notes", b"\x00\x01\x02\xff" * 40)
    report = desk.ingest()
    assert (report.removed, [failure.name for failure in report.failures]) == ((), ["notes"])
    assert set(desk.texts()) == {"notes"}


def test_copies_that_come_together_are_embedded_once(desk: Desk) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        write(desk.folder, name, "The zeppelin lands on Monday.")
    report = desk.ingest()
    assert (report.added, len(desk.embedded)) == (("a.txt", "b.txt", "c.txt"), 1)
    assert report.duplicates == (("b.txt", "a.txt"), ("c.txt", "a.txt"))


def test_a_text_that_another_document_has_too_is_not_embedded_again(desk: Desk) -> None:
    write(desk.folder, "a.md", "# Rules\n\nThe zeppelin lands on Monday.\n")
    desk.ingest()
    write(desk.folder, "b.md", "# Rules\n\nThe zeppelin lands on Monday.\n\n\n")
    report = desk.ingest()
    assert (report.added, report.duplicates, desk.embedded) == (("b.md",), (), [])


def test_two_files_that_swap_their_names_swap_their_texts(desk: Desk) -> None:
    one, two = write(desk.folder, "a.txt", "One word."), write(desk.folder, "b.txt", "Two words here.")
    desk.ingest()
    one.rename(desk.folder / "c")
    two.rename(desk.folder / "a.txt")
    (desk.folder / "c").rename(desk.folder / "b.txt")
    report = desk.ingest()
    assert report.updated == ("a.txt", "b.txt")
    assert desk.texts() == {"a.txt": "Two words here.", "b.txt": "One word."}
    assert (report.removed, report.moved) == ((), ())
    assert desk.library.verify().problems == ()


def test_a_file_that_is_copied_and_then_deleted_is_moved(desk: Desk) -> None:
    file = write(desk.folder, "a.txt", "Words.")
    desk.ingest()
    write(desk.folder, "b.txt", "Words.", age_seconds=60)
    file.unlink()
    report = desk.ingest()
    assert (report.moved, report.duplicates) == ((("a.txt", "b.txt"),), ())


def test_a_file_moved_over_another_replaces_it(desk: Desk) -> None:
    write(desk.folder, "a.txt", "Old words.")
    write(desk.folder, "b.txt", "New words here.").rename(desk.folder / "c.txt")
    desk.ingest()
    (desk.folder / "c.txt").replace(desk.folder / "a.txt")
    report = desk.ingest()
    assert (report.updated, report.removed, report.duplicates) == (("a.txt",), ("c.txt",), ())
    assert desk.texts() == {"a.txt": "New words here."}
    assert desk.embedded == []


def test_a_file_that_becomes_a_folder_and_a_folder_that_becomes_a_file(desk: Desk) -> None:
    write(desk.folder, "a.txt", "Words.")
    write(desk.folder, "b.md/c.txt", "Other words.")
    desk.ingest()
    (desk.folder / "a.txt").unlink()
    write(desk.folder, "a.txt/d.txt", "Inner words.")
    (desk.folder / "b.md" / "c.txt").unlink()
    (desk.folder / "b.md").rmdir()
    write(desk.folder, "b.md", "# Outer words\n\nHere.")
    report = desk.ingest()
    assert (report.added, report.removed) == (("a.txt/d.txt", "b.md"), ("a.txt", "b.md/c.txt"))
    assert set(desk.texts()) == {"a.txt/d.txt", "b.md"}


def test_a_folder_that_is_suddenly_empty_keeps_its_documents_unless_told(desk: Desk) -> None:
    write_corpus(desk.folder, 25)
    desk.ingest()
    away = desk.folder.rename(desk.folder.with_name("unmounted"))
    desk.folder.mkdir()
    report = desk.ingest()
    assert (report.removed, len(report.kept), len(desk.documents())) == ((), 25, 25)
    assert "--force" in report.warnings[0]
    assert len(desk.ingest(force=True).removed) == 25
    assert desk.documents() == {}
    assert away.is_dir()


def test_most_of_many_documents_do_not_go_at_once_unless_told(desk: Desk) -> None:
    write_corpus(desk.folder, 120)
    desk.ingest()
    for number, file in enumerate(sorted(file for file in desk.folder.rglob("*") if file.is_file())):
        if number % 12:
            file.unlink()
    assert (desk.ingest().removed, len(desk.ingest().kept)) == ((), 110)
    dry = desk.ingest(force=True, dry_run=True)
    assert (len(dry.removed), len(desk.documents())) == (110, 120)
    assert len(desk.ingest(force=True).removed) == 110


def test_a_dry_run_tells_of_moves_and_copies_and_touches_nothing(desk: Desk) -> None:
    file = write(desk.folder, "a.txt", "Words.")
    write(desk.folder, "b.txt", "Other words here.")
    desk.ingest()
    file.rename(desk.folder / "c.txt")
    write(desk.folder, "d.txt", "Other words here.")
    write(desk.folder, "e.txt", "New words for two.")
    write(desk.folder, "f.txt", "New words for two.")
    write(desk.folder, "g.pdf", b"")
    before, revision = desk.library.documents(), desk.library.revision
    dry = desk.ingest(dry_run=True)
    assert (desk.library.documents(), desk.library.revision, desk.library.failures()) == (before, revision, [])
    done = desk.ingest()
    assert dry.moved == (("a.txt", "c.txt"),)
    assert dry.duplicates == (("d.txt", "b.txt"), ("f.txt", "e.txt"))
    assert replace(dry, seconds=0) == replace(done, seconds=0)


def test_the_home_inside_the_folder_is_not_ingested_and_its_uploads_stay(desk: Desk) -> None:
    home = desk.folder / "home"
    write(home / "uploads", "upload.txt", "Uploaded words.")
    write(desk.folder, "a.txt", "Words.")
    desk.ingest(home / "uploads", leave_out=(home,))
    report = desk.ingest(leave_out=(home,))
    assert (report.added, report.removed) == (("a.txt",), ())
    assert set(desk.documents()) == {"a.txt", "upload.txt"}
    (home / "uploads" / "upload.txt").unlink()
    assert desk.ingest(home / "uploads", leave_out=(home,)).removed == ("upload.txt",)


def test_documents_of_a_hidden_folder_inside_stay(desk: Desk) -> None:
    write(desk.folder, ".hidden/a.txt", "Words.")
    write(desk.folder, "b.txt", "Other words.")
    desk.ingest(desk.folder / ".hidden")
    assert desk.ingest().removed == ()
    assert set(desk.documents()) == {"a.txt", "b.txt"}


def test_every_file_is_accounted_for_once(desk: Desk) -> None:
    write_corpus(desk.folder, 12)
    moving = write(desk.folder, "moving.txt", "Moving words.")
    write(desk.folder, "changing.txt", "Words.")
    write(desk.folder, "broken.pdf", b"%PDF-1.4 broken")
    desk.ingest()
    moving.rename(desk.folder / "moved.txt")
    write(desk.folder, "changing.txt", "Other words.")
    write(desk.folder, "copy.txt", "Other words.")
    write(desk.folder, "new.txt", "New words.")
    write(desk.folder, "empty.pdf", b"")
    (desk.folder / "nowhere.txt").symlink_to(desk.folder / "nothing")
    report = desk.ingest()
    assert report.files == 12 + 7
    assert (len(report.added), len(report.updated), len(report.moved), report.unchanged) == (2, 1, 1, 12)
    assert [failure.name for failure in report.failures] == ["nowhere.txt", "broken.pdf", "empty.pdf"]
    assert (report.quarantined, report.duplicates) == (("broken.pdf",), (("copy.txt", "changing.txt"),))


def test_a_long_text_is_split_in_slices_that_leave_nothing_out(desk: Desk) -> None:
    text = "\n\n".join(f"Paragraph {number} has a few words." for number in range(16_000))
    write(desk.folder, "long.txt", text)
    report = desk.ingest()
    (document,) = desk.library.documents()
    chunks = desk.library.chunks(document.id)
    covered = bytearray(len(text))
    for chunk in chunks:
        covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
        assert contextual_text(document.title, chunk.heading, chunk.text) in desk.embedded[chunk.ordinal]
    assert report.chunks == len(chunks) > 500
    assert all(covered[i] or text[i].isspace() for i in range(len(text)))


class _UnfoldsEverything:
    """Reads every file as the same long text, of which one span is to be embedded."""

    TEXT = "words " * 7_000_000

    def __init__(self, workers: int, orders: Orders) -> None: ...

    def submit(self, request: Request) -> "Future[ReadFile | Unread]":
        file = request.file
        extracted = ExtractedText(self.TEXT, (Section(0, 5, None, None),), None, None)
        split = SplitText("title", (Span(0, 5, None, None),))
        future: Future[ReadFile | Unread] = Future()
        future.set_result(ReadFile(f"{file.name:0>64}", file.size, file.mtime_ns, extracted, split))
        return future

    def close(self) -> None: ...


def test_small_files_that_unfold_to_long_texts_are_not_all_read_ahead(desk: Desk) -> None:
    for number in range(10):
        write(desk.folder, f"{number}.txt", "small")
    steps: list[str] = []
    ingest_folder(
        desk.folder,
        desk.library,
        FakeEmbedder(),
        options=replace(OPTIONS, dry_run=True),
        on_event=lambda event: steps.append(event.step),
        open_reading=_UnfoldsEverything,
    )
    assert steps.count("stored") == 10
    assert steps[: steps.index("stored")].count("reading") == 2
