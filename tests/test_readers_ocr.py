"""Text recognition, with Tesseract itself where a test is marked so, and else with programs that stand in for it."""

import os
import re
import select
import time
from pathlib import Path

import pytest
from PIL import Image

from ingest.discovery import found_file
from ingest.options import IngestOptions
from ingest.orders import Orders
from ingest.readers import read_document
from ingest.readers.ocr import Recogniser, page_list
from ingest.readers.pdf_places import boxes_of
from ingest.reading import ReadingPool, Request, Unread
from rag_app.errors import ReadError
from tests.corpus_makers import PARAGRAPH, pdf
from tests.scans import install_program, picture_of, saved, scanned

HEADER = "level\\tpage_num\\tblock_num\\tpar_num\\tline_num\\tword_num\\tleft\\ttop\\twidth\\theight\\tconf\\ttext"
WHITE = Image.new("L", (400, 300), 255)


def program_that_sees(*words: str, certainty: int = 95) -> str:
    """Return a script that reads these words, side by side, in any picture."""
    rows = [
        f"5\\t1\\t1\\t1\\t1\\t{n}\\t{10 + 90 * n}\\t20\\t80\\t16\\t{certainty}\\t{word}" for n, word in enumerate(words)
    ]
    table = "\\n".join([HEADER, *rows])
    return (
        f'/bin/cat >/dev/null\ncase "$*" in *list-langs*) printf "List\\neng\\nosd\\n";; *) printf "{table}\\n";; esac'
    )


@pytest.fixture
def no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.ocr
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_a_picture_of_a_page_is_read(kind: str) -> None:
    data = saved(picture_of(pdf(["Invoice 4711 is due in March."]), dpi=110).crop((0, 0, 900, 300)), kind)
    extracted = read_document(data, f"a.{kind.lower()}")
    assert extracted.text == "Invoice 4711 is due in March."
    assert (extracted.format, extracted.pages, extracted.notes) == ("image", 1, ())


@pytest.mark.ocr
def test_a_scan_keeps_headings_paragraphs_and_places() -> None:
    image = picture_of(pdf(["# Annual leave", PARAGRAPH]), dpi=200)
    extracted = read_document(scanned([image]), "a.pdf")
    assert extracted.sections[-1].heading == "Annual leave"
    assert PARAGRAPH in extracted.text
    start = extracted.text.index("calendar year")
    (box,) = boxes_of(extracted.boxes, start, start + len("calendar year"))
    original = read_document(pdf(["# Annual leave", PARAGRAPH]), "a.pdf")
    start = original.text.index("calendar year")
    (true,) = boxes_of(original.boxes, start, start + len("calendar year"))
    assert abs(box.left - true.left) < 0.02
    assert abs(box.right - true.right) < 0.02
    assert abs((box.top + box.bottom) - (true.top + true.bottom)) < 0.02


@pytest.mark.ocr
def test_a_scan_that_lies_on_its_side_is_turned() -> None:
    image = picture_of(pdf([PARAGRAPH]), dpi=100, turn=90)
    extracted = read_document(saved(image, "PNG"), "a.png")
    assert PARAGRAPH in extracted.text
    assert all(box.bottom - box.top > box.right - box.left for box in extracted.boxes if box.end - box.start > 5)


@pytest.mark.ocr
def test_scanned_and_written_pages_of_a_pdf_are_read_in_their_order() -> None:
    data = scanned(["First page.", picture_of(pdf(["Second page."])), "Third page."])
    extracted = read_document(data, "a.pdf")
    assert [(extracted.text[s.start : s.end], s.page) for s in extracted.sections] == [
        ("First page.", 1),
        ("Second page.", 2),
        ("Third page.", 3),
    ]


def test_without_the_program_a_picture_names_what_to_install(no_program: None) -> None:
    with pytest.raises(ReadError, match=r"^a\.png is a picture. To read the text in it, install Tesseract \(Debian"):
        read_document(saved(WHITE, "PNG"), "a.png")


def test_without_the_program_a_scan_names_what_to_install(no_program: None) -> None:
    with pytest.raises(ReadError, match=r"its 2 pages are images.*To read it, install Tesseract.*apt-get install"):
        read_document(scanned([WHITE, WHITE]), "a.pdf")


def test_without_the_program_the_written_pages_are_read_and_the_others_noted(no_program: None) -> None:
    extracted = read_document(scanned(["First.", WHITE, "Third.", WHITE, WHITE, WHITE]), "a.pdf")
    assert extracted.text == "First.\n\nThird."
    (note,) = extracted.notes
    assert note.startswith("pages 2, 4-6 (images without text) were left out; to read them, install Tesseract")


def test_a_stamp_on_a_scan_does_not_hide_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_program(tmp_path, program_that_sees("Notice", "of", "termination", "within", "six", "weeks"), monkeypatch)
    extracted = read_document(scanned([picture_of(pdf(["Scanned by X"]))]), "a.pdf")
    assert extracted.text == "Notice of termination within six weeks"


def test_the_pages_of_a_tiff_file_are_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_program(tmp_path, program_that_sees("Words"), monkeypatch)
    extracted = read_document(saved(WHITE, "TIFF", WHITE.resize((500, 300)), WHITE), "a.tiff")
    assert [section.page for section in extracted.sections] == [1, 2, 3]
    assert extracted.pages == 3


def test_words_that_are_hardly_recognised_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_program(tmp_path, program_that_sees("Some", "faint", "words", "here", certainty=40), monkeypatch)
    extracted = read_document(saved(WHITE, "PNG"), "a.png")
    assert extracted.text == "Some faint words here"
    assert extracted.notes == ("text recognition is unsure of page 1",)


def test_specks_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_program(tmp_path, program_that_sees("~", "|", certainty=5), monkeypatch)
    with pytest.raises(ReadError, match="a picture in which no text was found"):
        read_document(saved(WHITE, "PNG"), "a.png")


@pytest.mark.parametrize("slow", ["finding the turn", "reading it turned"])
def test_what_was_read_at_first_stands_if_there_is_no_time_to_try_more(
    slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = "exec sleep 60" if slow == "finding the turn" else f"echo 'Rotate: 90'; : > {tmp_path}/turned; exit"
    script = (
        "PATH=/usr/bin:/bin\n"
        f"[ -e {tmp_path}/turned ] && exec sleep 60\n"
        f'case "$*" in *"--psm 0"*) {turn};; esac\n'
        f"{program_that_sees('Faint', 'words', certainty=40)}"
    )
    install_program(tmp_path, script, monkeypatch)
    recogniser = Recogniser(deadline=time.monotonic() + 2)
    page = recogniser.page(WHITE, number=1)
    assert [line.text for line in page.lines] == ["Faint words"]
    assert (recogniser.doubtful, recogniser.late) == ([1], [])
    # The page took all the time there was.
    assert not recogniser.in_time(2)


def test_a_program_that_fails_is_named_with_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_program(tmp_path, "echo 'Error opening data file eng.traineddata' >&2; exit 1", monkeypatch)
    with pytest.raises(ReadError, match=r"Tesseract failed \(Error opening data file eng.traineddata\)"):
        read_document(saved(WHITE, "PNG"), "a.png")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (saved(WHITE, "PNG")[:60], "is damaged"),
        (saved(picture_of(pdf([PARAGRAPH])), "JPEG")[:3000], "is damaged"),
        (saved(picture_of(pdf([PARAGRAPH])), "TIFF")[:3000], "is damaged"),
        (saved(Image.new("1", (20_000, 20_000)), "PNG"), "has more than 120 million pixels"),
    ],
    ids=["png", "jpeg", "tiff", "bomb"],
)
def test_a_picture_that_cannot_be_read_says_why(
    data: bytes, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_program(tmp_path, program_that_sees("Words"), monkeypatch)
    with pytest.raises(ReadError, match=rf"^a\.png {reason}"):
        read_document(data, "a.png")


def test_a_reader_that_is_stopped_takes_text_recognition_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    program = tmp_path / "tesseract"
    program.write_text(
        f"#!/bin/sh\nif [ $1 = --list-langs ]; then echo Languages; echo eng; exit; fi\n"
        f"exec > {alive}\necho begun\nexec sleep 60\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    Image.new("L", (300, 300), "white").save(tmp_path / "a.png")
    pipe = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with ReadingPool(1, Orders(IngestOptions().limits)) as reading:
            unread = reading.submit(Request(found_file(tmp_path / "a.png", tmp_path)))
            assert select.select([pipe], [], [], 60)[0]
            assert os.read(pipe, 100) == b"begun\n"
        # The pipe ends when nobody holds it any more.
        assert select.select([pipe], [], [], 20)[0]
        assert os.read(pipe, 100) == b""
    finally:
        os.close(pipe)
    stopped = unread.result()
    assert isinstance(stopped, Unread)
    assert "was stopped" in stopped.reason


def test_page_numbers_are_told_in_ranges() -> None:
    assert page_list([3]) == "page 3"
    assert page_list([1, 2, 4, 5, 6, 9]) == "pages 1, 2, 4-6, 9"
    assert re.fullmatch(r"pages (\d+, ){12}…", page_list(range(0, 100, 2)))
