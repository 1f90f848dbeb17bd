"""The commands that show what the library holds and has held, without any model."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.discovery import discover, is_left_out
from rag_app.coming_back import ignoring_line
from rag_app.records import FailedFile
from tests.libraries import new_document, open_library, store
from tests.test_cli import Terminal

REASON = "It is encrypted. Remove the password, then ingest again."
SENTENCES = [f"Rule {n} is that door {n * 7 % 10} is shut at {n * 3 % 24} o'clock." for n in range(40)]


class Typed(io.StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal over a library with a changed document, two of the same words, one removed, and a failure."""
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "old words\x00", title="Old"))
        store(library, new_document("a.txt", "new words", title="New"))
        store(library, new_document("rules.txt", *SENTENCES))
        store(library, replace(new_document("copy.txt", *SENTENCES), notes=("2 images without text",), format="pdf"))
        store(library, new_document("changed.txt", *SENTENCES[:-1], "And that is all."), "second")
        library.remove(store(library, new_document("gone.txt", "gone words", title="Gone")).id)
        library.note_failure(FailedFile("third", "/in/x.pdf", "x.pdf", "/in", 5, 1, None, REASON))
    return Terminal(tmp_path, monkeypatch, capsys)


def test_what_a_document_was_can_be_listed_and_read(terminal: Terminal) -> None:
    found = terminal.json("documents", "versions", "1")
    assert found["id"] == 1
    (version,) = found["versions"]
    assert (version["number"], version["title"]) == (1, "Old")
    assert terminal.run("documents", "text", "1", "--version", "1") == "old words\x00\n"
    assert terminal.json("documents", "text", "1", "--version", "2")["text"] == "new words\n"
    assert "Old" in terminal.run("documents", "versions", "1")
    assert "has not changed" in terminal.run("documents", "versions", "2")
    terminal.run("documents", "text", "1", "--version", "7", status=1)
    assert "Version 7 of document 1 is not kept" in terminal.errors


def test_documents_that_are_alike_are_listed_in_pairs(terminal: Terminal) -> None:
    found = terminal.json("documents", "duplicates", "--threshold", "0.7")
    assert found["threshold"] == 0.7
    pairs = [(p["document"]["name"], p["other"]["name"], p["exact"]) for p in found["duplicates"]]
    assert pairs == [("rules.txt", "copy.txt", True), ("rules.txt", "changed.txt", False)]
    assert found["duplicates"][0]["similarity"] == 1.0
    said = terminal.run("documents", "duplicates", "--threshold", "0.7")
    assert "copy" in said
    assert "changed.txt" in said
    alone = ("documents", "duplicates", "--collection", "second")
    assert terminal.json(*alone)["duplicates"] == []
    assert "No two documents" in terminal.run(*alone)


def test_files_that_failed_are_listed_with_their_reason(terminal: Terminal) -> None:
    (failure,) = terminal.json("documents", "failures")["failures"]
    assert (failure["name"], failure["reason"], failure["attempts"]) == ("x.pdf", REASON, 1)
    assert REASON in terminal.run("documents", "failures", "--collection", "third")
    assert "Every file could be read" in terminal.run("documents", "failures", "--collection", "default")


def test_a_removal_prints_its_receipt_and_keeps_it(terminal: Terminal) -> None:
    removed = terminal.json("documents", "remove", "1")
    assert (removed["removed"]["name"], removed["removed"]["title"]) == ("a.txt", "New")
    receipt = removed["receipt"]
    assert (receipt["id"], receipt["versions"], receipt["chunks"]) == (2, 1, 1)
    assert {"chunks", "full-text index", "vector index", "database file"} <= set(receipt["checked"])
    assert terminal.json("documents", "receipts")["receipts"][-1] == receipt
    said = terminal.run("documents", "remove", "2")
    assert "Removed rules.txt" in said
    assert "database file" in said
    assert "gone.txt" in terminal.run("documents", "receipts")
    terminal.run("documents", "remove", "2", status=1)
    assert "There is no document 2" in terminal.errors


def test_a_collection_can_be_removed_as_a_whole(terminal: Terminal) -> None:
    assert [
        r["document"]["name"] for r in terminal.json("documents", "remove-collection", "second", "--yes")["receipts"]
    ] == ["changed.txt"]
    assert {d["collection"] for d in terminal.json("documents", "list")["documents"]} == {"default"}
    terminal.run("documents", "remove-collection", "second", status=1)
    assert "There is no collection 'second'. Collections: default." in terminal.errors
    assert terminal.run("documents", "remove-collection", "default", "--yes").count("Removed") == 3
    assert "The library is empty" in terminal.run("documents", "list")


def test_a_document_tells_its_format_and_what_was_left_out(terminal: Terminal) -> None:
    shown = terminal.json("documents", "show", "3")
    assert (shown["format"], shown["notes"]) == ("pdf", ["2 images without text"])
    assert "2 images without text" in terminal.run("documents", "show", "3")


def test_the_receipts_of_a_library_that_lost_nothing_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing has been removed" in Terminal(tmp_path, monkeypatch, capsys).run("documents", "receipts")


def in_a_folder(tmp_path: Path, *names: str) -> Path:
    """Store documents whose files lie in a folder of their own, and return that folder."""
    folder = tmp_path / "docs"
    folder.mkdir()
    with open_library(tmp_path) as library:
        for name in names:
            (folder / name).write_text(f"words of {name}")
            new = replace(new_document(name, f"words of {name}"), path=str(folder / name), root=str(folder))
            store(library, new, "filed")
    return folder


def ids(terminal: Terminal) -> dict[str, str]:
    return {d["name"]: str(d["id"]) for d in terminal.json("documents", "list")["documents"]}


def test_a_removal_says_that_the_next_ingestion_brings_the_file_back_and_what_prevents_it(
    terminal: Terminal, tmp_path: Path
) -> None:
    folder = in_a_folder(tmp_path, "kept[1].txt", "ignored.txt", "gone.txt")
    known = ids(terminal)
    assert terminal.json("documents", "remove", known["kept[1].txt"])["coming_back"] == ["kept[1].txt"]
    assert f"the next ingestion of {folder} brings it back" in terminal.errors
    assert f"put the line /kept\\[1\\].txt into {folder / '.ragignore'}" in terminal.errors
    (folder / ".ragignore").write_text("/ignored.txt\n")
    (folder / "gone.txt").unlink()
    for name in ("ignored.txt", "gone.txt"):
        assert terminal.json("documents", "remove", known[name])["coming_back"] == []
        assert "brings it back" not in terminal.errors


def test_the_line_that_is_told_keeps_exactly_that_file_away(tmp_path: Path) -> None:
    odd = ["a[1].txt", "a1.txt", "#b.txt", "!c.txt", "d*.txt", "d2.txt", "e\\f.txt"]
    for name in odd:
        (tmp_path / name).write_text("words")
    for name in odd:
        (tmp_path / ".ragignore").write_text(ignoring_line(name) + "\n")
        assert {other for other in odd if is_left_out(other, tmp_path)} == {name}
        assert {file.name for file in discover(tmp_path).files} == set(odd) - {name}


def test_what_lies_in_a_hidden_or_ignored_folder_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "sub" / ".ragignore").write_text("deep/\n")
    assert is_left_out("sub/deep/x.txt", tmp_path)
    assert is_left_out(".hidden/x.txt", tmp_path)
    assert not is_left_out("sub/x.txt", tmp_path)


def test_an_upload_that_is_removed_is_said_to_be_still_there(terminal: Terminal, tmp_path: Path) -> None:
    folder = tmp_path / "uploads" / "default"
    folder.mkdir(parents=True)
    (folder / "sent.txt").write_text("words")
    with open_library(tmp_path) as library:
        new = replace(new_document("sent.txt", "words"), path=str(folder / "sent.txt"), root=str(folder))
        stored = store(library, new)
    terminal.run("documents", "remove", str(stored.id))
    assert f"Its upload is still at {folder / 'sent.txt'}" in terminal.errors


def test_a_collection_is_not_removed_unasked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    terminal.run("documents", "remove-collection", "default", status=2)
    assert "Add --yes" in terminal.errors
    monkeypatch.setattr("sys.stdin", Typed("n\n"))
    terminal.run("documents", "remove-collection", "default", status=1)
    assert "Remove the 3 documents of the collection 'default'" in terminal.errors
    assert "Nothing was removed" in terminal.errors
    assert len(ids(terminal)) == 4
    monkeypatch.setattr("sys.stdin", Typed("y\n"))
    assert len(terminal.json("documents", "remove-collection", "default")["receipts"]) == 3
    assert len(ids(terminal)) == 1


def test_several_files_that_come_back_are_counted(terminal: Terminal, tmp_path: Path) -> None:
    in_a_folder(tmp_path, "one.txt", "two.txt")
    removed = terminal.json("documents", "remove-collection", "filed", "--yes")
    assert removed["coming_back"] == ["one.txt", "two.txt"]
    assert "The files of 2 of them are still in their folders" in terminal.errors


def test_numbers_that_no_library_has_are_not_found(terminal: Terminal) -> None:
    for command in (("show",), ("text",), ("remove",), ("versions",)):
        terminal.run("documents", *command, "9" * 30, status=1)
        assert f"There is no document {'9' * 30}" in terminal.errors
    terminal.run("documents", "text", "1", "--version", "9" * 30, status=1)
    assert "is not kept" in terminal.errors
    assert terminal.json("feedback", "list", "--limit", "9" * 30)["feedback"] == []


def test_failures_of_a_collection_that_is_not_there_are_none_to_be_glad_of(terminal: Terminal) -> None:
    terminal.run("documents", "failures", "--collection", "nowhere", status=1)
    assert "There is no collection 'nowhere'" in terminal.errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("documents", "remove", "abc"), "'abc' is not a whole number."),
        (("documents", "show", "1.5"), "'1.5' is not a whole number."),
        (("documents", "duplicates", "--threshold", "much"), "'much' is not a number."),
        (("documents", "duplicates", "--threshold", "3"), "3 is too large; the most is 1.0."),
        (("search", "words", "-k", "0"), "0 is too small; the least is 1."),
        (("ask", "Who?", "--document", "x1"), "'x1' is not a whole number."),
        (("eval", "file.jsonl", "--mode", "bad"), "Invalid value for '--mode': 'bad' is not one of 'given', 'open'."),
        (("ui", "--port", "99999"), "99999 is too large; the most is 65535."),
        (("ingest", ".", "--workers", "two"), "'two' is not a whole number."),
        (("ingest", ".", "--watch", "--dry-run"), "Leave one of them out."),
    ],
)
def test_a_wrong_argument_is_told_in_plain_words(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    terminal.run(*arguments, status=2)
    assert said in terminal.errors
    assert "Input should" not in terminal.errors
    assert "Value error" not in terminal.errors
