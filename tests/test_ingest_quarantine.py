"""A file that failed is remembered, and tried again when there is a reason to."""

import os
from pathlib import Path

import pytest
from PIL import Image

from tests.corpus_makers import PARAGRAPH, pdf
from tests.folders import Desk, write
from tests.scans import install_program, saved

PHOTOGRAPH = saved(Image.new("L", (400, 300), 128), "PNG")


def test_a_file_that_failed_is_not_read_again_until_it_changes(desk: Desk) -> None:
    write(desk.folder, "a.pdf", pdf([PARAGRAPH])[:500])
    first = desk.ingest()
    second = desk.ingest()
    assert (len(first.failures), first.quarantined) == (1, ())
    assert (len(second.failures), second.quarantined) == (1, ("a.pdf",))
    assert first.failures[0].reason in second.failures[0].reason
    assert "--retry-failed" in second.failures[0].reason
    write(desk.folder, "a.pdf", pdf([PARAGRAPH]))
    assert desk.ingest().added == ("a.pdf",)
    assert desk.library.failures() == []


def test_a_file_that_failed_and_was_only_touched_stays_in_quarantine(desk: Desk) -> None:
    file = write(desk.folder, "a.pdf", b"")
    desk.ingest()
    os.utime(file, ns=(5_000_000_000, 5_000_000_000))
    assert desk.ingest().quarantined == ("a.pdf",)
    assert desk.ingest().quarantined == ("a.pdf",)


def test_a_failed_file_is_tried_again_when_asked_for_or_when_the_readers_are_others(desk: Desk) -> None:
    write(desk.folder, "a.pdf", b"")
    desk.ingest()
    assert desk.ingest(retry_failed=True).quarantined == ()
    (failed,) = desk.library.failures()
    assert failed.attempts == 2
    assert desk.ingest(read_seconds=60.0).quarantined == ()
    assert desk.ingest(read_seconds=60.0).quarantined == ("a.pdf",)


def test_a_failed_file_that_is_gone_is_forgotten(desk: Desk) -> None:
    write(desk.folder, "a.pdf", b"").rename(desk.folder / "b.pdf")
    desk.ingest()
    (desk.folder / "b.pdf").unlink()
    assert desk.ingest().failures == ()
    assert desk.library.failures() == []


def test_a_file_that_broke_and_was_restored_is_unchanged(desk: Desk) -> None:
    write(desk.folder, "a.txt", "Words.")
    desk.ingest()
    write(desk.folder, "a.txt", b"\x00\x01\x02" * 50)
    assert "(version 1) stays" in desk.ingest().failures[0].reason
    write(desk.folder, "a.txt", "Words.")
    report = desk.ingest()
    assert (report.unchanged, report.failures, desk.library.failures()) == (1, (), [])
    assert desk.documents()["a.txt"].version == 1


def test_a_file_that_could_not_be_opened_is_tried_again(desk: Desk) -> None:
    write(desk.folder, "large.txt", "Many words. " * 100)
    assert "more than the 0 MB" in desk.ingest(max_file_bytes=1000).failures[0].reason
    assert desk.ingest().added == ("large.txt",)


def test_a_file_that_unfolds_to_too_much_text_is_a_failure(desk: Desk) -> None:
    write(desk.folder, "large.txt", "Many words. " * 1000)
    write(desk.folder, "z.txt", "Words.")
    report = desk.ingest(max_characters=5000)
    assert report.added == ("z.txt",)
    assert "characters of text, more than" in report.failures[0].reason


def test_a_picture_without_text_is_left_out_calmly_and_read_once(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = tmp_path / "tries"
    install_program(tmp_path, f"echo >> {tries}", monkeypatch)
    picture = write(desk.folder, "party.png", PHOTOGRAPH)
    write(desk.folder, "a.txt", "Words.")
    first = desk.ingest()
    often = tries.stat().st_size
    os.utime(picture, ns=(5_000_000_000, 5_000_000_000))
    for report in (first, desk.ingest(retry_failed=True), desk.ingest()):
        assert (report.failures, report.quarantined, report.skipped, report.files) == ((), (), 1, 1)
        assert report.warnings == ("1 picture without any text was left out: party.png.",)
    assert desk.library.failures() == []
    assert often == tries.stat().st_size > 0
    assert "no text was found" in desk.library.failures(left_out=True)[0].reason
    write(desk.folder, "party.png", saved(Image.new("L", (401, 300), 128), "PNG"))
    assert desk.ingest().skipped == 1
    assert tries.stat().st_size > often
    picture.unlink()
    desk.ingest()
    assert desk.library.failures(left_out=True) == []


def test_a_document_that_turns_into_a_picture_without_text_is_a_failure(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_program(tmp_path, "true", monkeypatch)
    write(desk.folder, "a.txt", "Words.")
    desk.ingest()
    write(desk.folder, "a.txt", PHOTOGRAPH)
    (failure,) = desk.ingest().failures
    assert "no text was found" in failure.reason
    assert "(version 1) stays" in failure.reason
    assert [failed.attempts for failed in desk.library.failures()] == [1]


def test_a_picture_that_cannot_be_looked_at_is_a_failure(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_program(tmp_path, "exit 1", monkeypatch)
    write(desk.folder, "a.png", PHOTOGRAPH)
    assert "Tesseract failed" in desk.ingest().failures[0].reason
