"""A file is read from where it was found, and from nowhere else."""

import os
from pathlib import Path

import pytest

from ingest.file_bytes import NotOpened, read_bytes
from ingest.pipeline import ingest_folder
from rag_app.errors import ReadError
from rag_app.records import IngestEvent
from tests.fakes import FakeEmbedder
from tests.folders import OPTIONS, Desk, write
from tests.reading_here import ReadingHere

SECRET = "The vault opens with 7421."


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return write(tmp_path / "elsewhere", "notes.txt", SECRET)


def test_the_bytes_and_the_facts_are_those_of_the_same_file(tmp_path: Path) -> None:
    file = write(tmp_path, "in/deep/a.txt", "Words.")
    data, status = read_bytes(file, "in/deep/a.txt", limit=100)
    assert (data, status.st_ino, status.st_mtime_ns) == (b"Words.", file.stat().st_ino, file.stat().st_mtime_ns)


def test_a_link_in_the_place_of_a_file_or_of_its_folder_is_not_followed(tmp_path: Path, secret: Path) -> None:
    write(tmp_path, "root/in/other.txt", "Words.")
    (tmp_path / "root/in/notes.txt").symlink_to(secret)
    (tmp_path / "root/linked").symlink_to(secret.parent)
    for name in ("in/notes.txt", "linked/notes.txt"):
        with pytest.raises(NotOpened, match=r"replaced by a link.*Put the file itself"):
            read_bytes(tmp_path / "root" / name, name, limit=100)


def test_a_folder_that_is_reached_by_a_link_is_read_below_it(tmp_path: Path, secret: Path) -> None:
    (tmp_path / "named").symlink_to(secret.parent)
    assert read_bytes(tmp_path / "named/notes.txt", "notes.txt", limit=100)[0] == SECRET.encode()


def test_a_folder_that_may_be_entered_but_not_listed_is_no_hindrance(tmp_path: Path) -> None:
    file = write(tmp_path, "in/closed/a.txt", "Words.")
    file.parent.chmod(0o100)
    try:
        assert read_bytes(file, "in/closed/a.txt", limit=100)[0] == b"Words."
    finally:
        file.parent.chmod(0o700)


def test_a_pipe_a_folder_and_a_large_file_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    write(tmp_path, "large.txt", "x" * 101)
    for name, reason in (("pipe.txt", "no regular file"), ("folder.txt", "directory"), ("large.txt", "max_file_mb")):
        with pytest.raises(ReadError, match=reason):
            read_bytes(tmp_path / name, name, limit=100)


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_a_file_that_is_swapped_for_a_link_after_it_was_found_fails_and_nothing_else_is_read(
    desk: Desk, secret: Path, swapped: str
) -> None:
    file = write(desk.folder, "in/notes.txt", "Harmless words.")

    def swap(event: IngestEvent) -> None:
        if event.step == "reading" and not file.is_symlink() and not file.parent.is_symlink():
            file.unlink()
            if swapped == "folder":
                file.parent.rmdir()
                file.parent.symlink_to(secret.parent)
            else:
                file.symlink_to(secret)

    report = ingest_folder(
        desk.folder, desk.library, FakeEmbedder(), options=OPTIONS, on_event=swap, open_reading=ReadingHere
    )
    (failure,) = report.failures
    assert "links are not followed" in failure.reason
    assert desk.texts() == {}
    again = desk.ingest()
    assert (again.failures, again.skipped, desk.texts()) == ((), 1, {})
