"""Pages are drawn outside of the program, and no file can hold it up or end it."""

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ingest.orders import Limits
from ingest.page_drawing import PageDrawer, PageRequest
from rag_app.errors import ReadError
from rag_app.records import TextBox
from tests.odd_cases import endless_pdf, raw_pdf

LIMITS = Limits(file_bytes=2**20, seconds=2, memory_bytes=2 * 2**30, characters=1_000_000)


@pytest.fixture
def drawer() -> Iterator[PageDrawer]:
    opened = PageDrawer(LIMITS)
    yield opened
    opened.close()


def page_of(file: Path, data: bytes, *, page: int = 1) -> PageRequest:
    file.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return PageRequest(str(file), file.name, digest, len(data), page, (), scale=1.0)


def readers() -> int:
    """Return how many reader processes this program has."""
    count = 0
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            status = (place.parent / "status").read_text()
            count += (
                b"ingest.worker" in place.read_bytes() and f"PPid:\t{threading.main_thread().native_id}\n" in status
            )
        except OSError:
            continue
    return count


def test_a_page_is_drawn_with_its_marks(drawer: PageDrawer, tmp_path: Path) -> None:
    request = page_of(tmp_path / "a.pdf", raw_pdf(2), page=2)
    plain = drawer.draw(request)
    marked = drawer.draw(replace(request, boxes=(TextBox(0, 4, 2, 0.1, 0.5, 0.6, 0.6),)))
    assert plain
    assert marked
    for png, blue in ((plain, 255), (marked, 112)):
        shown = Image.open(io.BytesIO(png)).convert("RGB")
        assert shown.size == (612, 792)
        assert shown.getpixel((200, 435))[2] == blue  # type: ignore[index] # of RGB a pixel is three numbers


def test_a_pdf_that_draws_for_ever_is_given_up_once_and_the_next_page_is_drawn(
    drawer: PageDrawer, tmp_path: Path
) -> None:
    endless = page_of(tmp_path / "endless.pdf", endless_pdf())
    told = r"Page 1 cannot be drawn, so its text is shown\..* longer than 2 s"
    with pytest.raises(ReadError, match=told):
        drawer.draw(endless)
    before = readers()
    with pytest.raises(ReadError, match=told):
        drawer.draw(endless)
    # The second time it was not even tried: that takes a process.
    assert readers() == before
    assert drawer.draw(page_of(tmp_path / "a.pdf", raw_pdf(1)))


def test_a_damaged_file_and_a_page_that_is_not_there_are_told(drawer: PageDrawer, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"its text is shown.*cut\.pdf is truncated"):
        drawer.draw(page_of(tmp_path / "cut.pdf", raw_pdf(1)[:-200]))
    with pytest.raises(ReadError, match="has no page 7, but 2 pages"):
        drawer.draw(page_of(tmp_path / "a.pdf", raw_pdf(2), page=7))


def test_a_file_that_changed_or_is_gone_or_is_a_link_is_not_drawn(drawer: PageDrawer, tmp_path: Path) -> None:
    file = tmp_path / "a.pdf"
    request = page_of(file, raw_pdf(1))
    assert drawer.draw(request)
    assert drawer.draw(replace(request, sha256="0" * 64, page=1)) is None
    file.write_bytes(raw_pdf(2))
    assert drawer.draw(request) is None
    file.rename(tmp_path / "b.pdf")
    assert drawer.draw(request) is None
    page_of(tmp_path / "b.pdf", raw_pdf(1))
    file.symlink_to(tmp_path / "b.pdf")
    assert drawer.draw(request) is None


def test_a_page_is_drawn_once_its_file_can_be_opened_again(drawer: PageDrawer, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    request = replace(page_of(tmp_path / "in" / "a.pdf", raw_pdf(1)), name="in/a.pdf")
    (tmp_path / "in").rename(tmp_path / "away")
    (tmp_path / "in").symlink_to(tmp_path / "away")
    assert drawer.draw(request) is None
    (tmp_path / "in").unlink()
    (tmp_path / "away").rename(tmp_path / "in")
    assert drawer.draw(request)


def test_the_process_stays_for_the_next_page_and_goes_when_idle(tmp_path: Path) -> None:
    before, earlier = readers(), set(threading.enumerate())
    drawer = PageDrawer(LIMITS, idle_seconds=0.5)
    drawer.draw(page_of(tmp_path / "a.pdf", raw_pdf(2)))
    assert readers() == before + 1
    drawer.draw(page_of(tmp_path / "a.pdf", raw_pdf(2), page=2))
    assert readers() == before + 1
    for timer in set(threading.enumerate()) - earlier:
        timer.join()
    assert readers() == before


def test_pages_are_drawn_for_several_threads(drawer: PageDrawer, tmp_path: Path) -> None:
    requests = [page_of(tmp_path / f"{number}.pdf", raw_pdf(number + 1)) for number in range(4)]
    drawn: list[bytes | None] = [None] * len(requests)

    def draw(number: int) -> None:
        drawn[number] = drawer.draw(requests[number])

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(drawn)
