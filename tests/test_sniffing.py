"""Which files of unknown suffix are read."""

from pathlib import Path

import pytest

from ingest.discovery import discover
from ingest.readers.kinds import sniff
from ingest.sniffing import SNIFFED_BYTES, readable
from tests.odd_cases import raw_pdf
from tests.odd_files import WHOLE, mail, mailbox, packed


@pytest.mark.parametrize(
    "start",
    [
        b"Some words.",
        "Größe und mehr. ".encode() * 1000,
        b"a" * (SNIFFED_BYTES - 1) + "ö".encode(),
        "Größe".encode("utf-16"),
        raw_pdf(1),
        mail().as_bytes(),
        mailbox(),
        b"{\\rtf1 words}",
    ],
)
def test_text_and_known_formats_are_read_without_a_suffix(start: bytes) -> None:
    assert readable("", start[:SNIFFED_BYTES])


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\x7fELF\x02",
        b"\x1f\x8b\x08\0",
        b"\0" * 100,
        b"\xff\xfa\xfb" * 50,
        packed({"A.class": b"\xca\xfe\xba\xbe"}),
    ],
)
def test_programs_and_packages_are_passed_over(start: bytes) -> None:
    assert not readable(".xyz", start)


def test_a_known_suffix_needs_no_look_inside() -> None:
    assert readable(".PDF", b"")


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".pptx", ".xlsx", ".odt", ".ods", ".odp", ".epub", ".rtf", ".zip"])
def test_every_format_that_is_no_text_is_known_by_its_content(suffix: str) -> None:
    kind = sniff(WHOLE[suffix]())
    assert kind
    assert kind.format == suffix[1:]


def test_a_mail_without_a_suffix_is_found_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "1704103200.M1").write_bytes(mail().as_bytes())
    (tmp_path / "tool.bin").write_bytes(b"\x7fELF\x02\0\0")
    found = discover(tmp_path)
    assert [file.name for file in found.files] == ["1704103200.M1"]
    assert found.skipped == 1


def test_a_file_that_begins_with_hundreds_of_comments_is_told_apart_at_once() -> None:
    comments = b"<!-- -->\n" * 400
    assert sniff(comments + b"Some words.") is None
    page = sniff(comments + b"<html><body>Some words.</body></html>")
    assert page
    assert page.format == "html"
