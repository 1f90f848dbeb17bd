"""A cited passage is found where it stands, and shown as its kind of document is read."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ingest.chunking import split_sections
from ingest.readers import read_document
from rag_app.errors import NotFound
from rag_app.library import Library
from rag_app.records import Document, NewDocument
from rag_app.sources import SourceView, _around, draw_page, table_rows, view_source
from tests.corpus_makers import pdf
from tests.libraries import EMBEDDER, new_document, open_library, store

CODE = "".join(f"def step_{n}(level):\n    return level * {n} + {'0' * 40}\n\n\n" for n in range(40))
ROTA = "Week,Primary,Remark\n" + "".join(f"W{n},Keeper {n},{'Easter' if n % 2 else ''}\n" for n in range(60))
DEEDS = "# Deeds\n\n" + "\n\n".join(
    f"## Deed {n}\n\nThe mill at bend {n} was sold for {n * 7} crowns." for n in range(30)
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return open_library(tmp_path / "home")


def read_in(library: Library, file: Path, data: bytes) -> Document:
    """Store a file as an ingestion would."""
    file.write_bytes(data)
    read = read_document(data, file.name)
    document = NewDocument(
        name=file.name,
        path=str(file),
        root=str(file.parent),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        mtime_ns=1,
        title=file.stem,
        text=read.text,
        pages=read.pages,
        spans=split_sections(read, chunk_tokens=60, overlap=0, max_tokens=60, count_tokens=EMBEDDER.count_tokens),
        format=read.format,
        boxes=read.boxes,
    )
    return store(library, document)


def view(library: Library, document: Document, quote: str) -> SourceView:
    start = library.text(document.id).index(quote)
    return view_source(library, document.id, (start, start + len(quote)), quote=quote, sha=document.sha256)


def test_a_section_is_shown_around_its_passage(library: Library, tmp_path: Path) -> None:
    document = read_in(library, tmp_path / "deeds.md", DEEDS.encode())
    quote = "The mill at bend 12 was sold for 84 crowns."
    found = view(library, document, quote)
    assert (found.kind, found.state, found.marked) == ("text", "same", quote)
    assert found.heading
    assert found.heading.endswith("Deed 12")
    assert "Deed 11" in found.before
    assert "Deed 13" in found.after
    text = library.text(document.id)
    assert found.before + quote + found.after in text
    assert len(found.before + found.after) < len(text)
    assert found.previous
    assert found.following
    assert found.previous.end <= found.start < found.end <= found.following.start
    assert draw_page(found) is None


def test_code_has_the_numbers_of_its_lines(library: Library, tmp_path: Path) -> None:
    document = read_in(library, tmp_path / "steps.py", CODE.encode())
    found = view(library, document, "def step_20(level):")
    assert found.kind == "code"
    marked_line = found.first_line + found.before.count("\n")
    assert CODE.splitlines()[marked_line - 1] == "def step_20(level):"
    assert found.before.endswith("\n")
    assert 20 < found.before.count("\n") < 30


def test_a_row_is_shown_within_its_table(library: Library, tmp_path: Path) -> None:
    document = read_in(library, tmp_path / "rota.csv", ROTA.encode())
    found = view(library, document, "Week: W31; Primary: Keeper 31; Remark: Easter")
    assert found.kind == "table"
    read = table_rows((found.before + found.marked + found.after).strip("\n"))
    assert read
    columns, rows = read
    assert columns == ["Week", "Primary", "Remark"]
    assert ["W31", "Keeper 31", "Easter"] in rows
    assert ["W30", "Keeper 30", ""] in rows


def test_lines_that_are_no_table_are_none() -> None:
    assert table_rows("Just a line\nand another") is None
    assert table_rows("Name: Ada") is None
    assert table_rows("Name: Ada; Note: see; above: all\nName: Bob; Note: none") is None


def test_a_page_is_drawn_with_the_passage_marked(library: Library, tmp_path: Path) -> None:
    data = pdf(["The lamp is lit at dusk."], ["The bell is rung at dawn by the keeper."])
    document = read_in(library, tmp_path / "lamp.pdf", data)
    found = view(library, document, "The bell is rung at dawn")
    assert found.page == 2
    image = draw_page(found)
    assert image
    red, _, blue = Image.open(io.BytesIO(image)).convert("RGB").split()
    assert any(r > 200 and b < 160 for r, b in zip(red.tobytes(), blue.tobytes(), strict=True))
    (tmp_path / "lamp.pdf").write_bytes(data + b"\n")
    assert draw_page(found) is None
    (tmp_path / "lamp.pdf").unlink()
    assert draw_page(found) is None


def test_the_version_that_was_cited_is_shown_after_a_change(library: Library) -> None:
    first = store(library, new_document("a.md", "The gate opens at six.", "The gate closes at nine."))
    quote, span = "The gate closes at nine.", (23, 47)
    second = store(library, new_document("a.md", "The gate opens at seven.", "It never closes."))
    assert second.id == first.id
    found = view_source(library, first.id, span, quote=quote, sha=first.sha256)
    assert (found.state, found.version, found.marked) == ("older", 1, quote)
    assert "opens at six" in found.before
    assert found.places == 0


def test_a_passage_that_moved_is_found_and_one_that_is_lost_stands_alone(library: Library) -> None:
    document = store(library, new_document("a.md", "A new first line.", "The gate closes at nine."))
    found = view_source(library, document.id, (0, 24), quote="The gate closes at nine.", sha="other")
    assert (found.state, found.start, found.place) == ("moved", 18, 2)
    lost = view_source(library, document.id, (0, 9), quote="Unheard.", sha="other")
    assert (lost.state, lost.before, lost.marked, lost.after) == ("lost", "", "Unheard.", "")
    library.remove(document.id)
    with pytest.raises(NotFound):
        view_source(library, document.id, (0, 9), quote="Unheard.", sha="other")


@given(st.data())
def test_what_is_shown_is_always_the_documents_own_text(data: st.DataObject) -> None:
    text = data.draw(st.text("ab \n;:", min_size=1, max_size=4000))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    document = Document(1, "a", "/a", "/", "c", "", 1, 1, "", 1, None, 1, datetime(2026, 1, 1, tzinfo=UTC))
    for kind in ("markdown", "code", "csv"):
        found = _around(replace(document, format=kind), text, (start, end), bounds=(0, len(text)))
        low = start - len(found.before)
        shown = found.before + found.marked + found.after
        assert text[low : low + len(shown)] == shown
        assert (low + len(found.before), len(found.marked)) == (start, end - start)
        assert found.first_line == text[:low].count("\n") + 1
