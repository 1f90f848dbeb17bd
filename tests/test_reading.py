"""What the reading of files may take: more time for files of many pages, and room for one large file at a time."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ingest.discovery import found_file
from ingest.orders import Limits, Orders
from ingest.readers.patience import ask_for, listening
from ingest.reading import ReadFile, ReadingPool, Request, Unread
from tests.odd_cases import endless_pdf
from tests.odd_files import packed
from tests.scans import install_program, saved

LIMITS = Limits(file_bytes=2**24, seconds=1, memory_bytes=2 * 2**30, characters=10**6)
SEEN = "5\\t1\\t1\\t1\\t1\\t0\\t10\\t20\\t80\\t16\\t95\\tWords"


def read(file: Path, limits: Limits) -> ReadFile | Unread:
    with ReadingPool(1, Orders(limits)) as reading:
        return reading.submit(Request(found_file(file, file.parent))).result()


@pytest.mark.parametrize(("pages", "seconds"), [(1, "1 s"), (10, "3 s"), (1000, "5 s")])
def test_a_file_that_hangs_is_given_up_the_later_the_more_pages_it_has_but_in_the_end(
    pages: int, seconds: str, tmp_path: Path
) -> None:
    file = tmp_path / "endless.pdf"
    file.write_bytes(endless_pdf(pages))
    # Room for what a quick machine heaps up until the time is over.
    outcome = read(file, replace(LIMITS, seconds=1 if pages < 1000 else 0.5, memory_bytes=2**33))
    assert isinstance(outcome, Unread)
    assert f"endless.pdf took longer than {seconds} to read and was given up" in outcome.reason


def test_many_scanned_pages_have_more_time_than_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = f'case "$*" in *list-langs*) printf "List\\neng\\n";; *) sleep 1; printf "level\\n{SEEN}\\n";; esac'
    install_program(tmp_path, f"PATH=/usr/bin:/bin\ncat > /dev/null\n{answer}", monkeypatch)
    page = Image.new("L", (400, 300), 255)
    file = tmp_path / "book.tiff"
    file.write_bytes(saved(page, "TIFF", page, page, page))
    # Of sixteen seconds, recognition leaves all but one to what comes after it.
    outcome = read(file, replace(LIMITS, seconds=16))
    assert isinstance(outcome, ReadFile), outcome
    assert outcome.extracted
    assert (outcome.extracted.pages, outcome.extracted.notes) == (4, ())


def test_more_time_is_asked_of_whoever_listens_and_of_nobody_else() -> None:
    heard: list[float] = []
    ask_for(1.0)
    with listening(heard.append):
        ask_for(2.0)
        with listening(lambda seconds: None):
            ask_for(3.0)
        ask_for(4.0)
    ask_for(5.0)
    assert heard == [2.0, 4.0]


def test_large_files_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    look = f"[ $(wc -c) -gt 9000000 ] && {{ echo begin >> {log}; sleep 1; echo end >> {log}; }}"
    answer = f'case "$*" in *list-langs*) printf "List\neng\n";; *) {look}; printf "level\n{SEEN}\n";; esac'
    install_program(tmp_path, f"PATH=/usr/bin:/bin\n{answer}", monkeypatch)
    for number in range(3):
        (tmp_path / f"large{number}.bmp").write_bytes(saved(Image.new("L", (4200, 4200), 255), "BMP"))
        (tmp_path / f"small{number}.png").write_bytes(saved(Image.new("L", (400, 300), 255), "PNG"))
    with ReadingPool(3, Orders(replace(LIMITS, file_bytes=2**26, seconds=60))) as reading:
        files = sorted(file for file in tmp_path.iterdir() if file.suffix in {".bmp", ".png"})
        outcomes = [reading.submit(Request(found_file(file, tmp_path))) for file in files]
        assert all(isinstance(outcome.result(), ReadFile) for outcome in outcomes)
    assert log.read_text().split() == ["begin", "end"] * 3


def test_a_small_file_that_unfolds_to_a_long_text_arrives_whole(tmp_path: Path) -> None:
    text = "The zeppelin lands on Monday. " * 1_150_000
    (tmp_path / "small.zip").write_bytes(packed({"long.txt": text.encode()}))
    read_file = read(tmp_path / "small.zip", replace(LIMITS, seconds=60, characters=10**8))
    assert isinstance(read_file, ReadFile)
    assert read_file.extracted
    assert read_file.extracted.text.count("Monday.") == 1_150_000
