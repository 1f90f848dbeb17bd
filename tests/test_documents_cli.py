"""The commands that show what the library holds and has held, without any model."""

from dataclasses import replace
from pathlib import Path

import pytest

from rag_app.records import FailedFile
from tests.libraries import new_document, open_library, store
from tests.test_cli import Terminal

REASON = "It is encrypted. Remove the password, then ingest again."
SENTENCES = [f"Rule {n} is that door {n * 7 % 10} is shut at {n * 3 % 24} o'clock." for n in range(40)]


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
    assert [r["document"]["name"] for r in terminal.json("documents", "remove-collection", "second")["receipts"]] == [
        "changed.txt"
    ]
    assert {d["collection"] for d in terminal.json("documents", "list")["documents"]} == {"default"}
    terminal.run("documents", "remove-collection", "second", status=1)
    assert "There is no collection 'second'. Collections: default." in terminal.errors
    assert terminal.run("documents", "remove-collection", "default").count("Removed") == 3
    assert "The library is empty" in terminal.run("documents", "list")


def test_a_document_tells_its_format_and_what_was_left_out(terminal: Terminal) -> None:
    shown = terminal.json("documents", "show", "3")
    assert (shown["format"], shown["notes"]) == ("pdf", ["2 images without text"])
    assert "2 images without text" in terminal.run("documents", "show", "3")


def test_the_receipts_of_a_library_that_lost_nothing_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Nothing has been removed" in Terminal(tmp_path, monkeypatch, capsys).run("documents", "receipts")
