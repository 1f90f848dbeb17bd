"""The slides of an OpenDocument presentation."""

import re
from collections.abc import Iterator
from typing import Any

from ingest.readers.odf_styles import Styles
from ingest.readers.odf_text import DRAW, TABLE, Blocks
from ingest.readers.reading_order import in_reading_order
from ingest.readers.sections import TextBuilder

_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_MARGINALIA = ("header", "footer", "date-time", "page-number", "page")
# Frames whose upper edges differ by less than this (in centimetres) stand side by side.
_SAME_ROW = 0.6
_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt)?")
_CENTIMETRES = {"cm": 1.0, "mm": 0.1, "in": 2.54, "pt": 0.0353, None: 1.0}


def add_slides(builder: TextBuilder, content: Any, styles: Styles) -> tuple[str | None, int]:
    """Add each slide as a page under its title; return the title of the first, and how many there are."""
    first: str | None = None
    number = 0
    for number, page in enumerate(content.iterchildren(f"{DRAW}page"), start=1):
        blocks = Blocks(builder, styles)
        builder.turn_page(number)
        frames = [frame for frame in _shapes(page) if frame.get(f"{_PRESENTATION}class") not in _MARGINALIA]
        titles = [frame for frame in frames if frame.get(f"{_PRESENTATION}class") == "title"]
        words = blocks.cell_text(titles[0]) if titles else ""
        hidden = " (hidden slide)" if styles.is_hidden(page.get(f"{DRAW}style-name")) else ""
        if words:
            builder.heading(1, words + hidden)
            first = words if number == 1 else first
        else:
            builder.enter(1, f"Slide {number}{hidden}")
        for frame in _sorted([frame for frame in frames if frame not in titles[:1]]):
            blocks.add(frame)
        for notes in page.iterchildren(f"{_PRESENTATION}notes"):
            _add_notes(builder, blocks, notes)
    return first, number


def _add_notes(builder: TextBuilder, blocks: Blocks, notes: Any) -> None:
    frames = [frame for frame in _shapes(notes) if frame.get(f"{_PRESENTATION}class") == "notes"]
    if any(blocks.cell_text(frame) for frame in frames):
        builder.heading(2, "Notes")
        for frame in frames:
            blocks.add(frame)


def _shapes(parent: Any) -> Iterator[Any]:
    """Yield frames and shapes with text, also those in groups."""
    for child in parent:
        if child.tag == f"{DRAW}g":
            yield from _shapes(child)
        elif isinstance(child.tag, str) and (child.tag.startswith(DRAW) or child.tag == f"{TABLE}table"):
            yield child


def _sorted(frames: list[Any]) -> list[Any]:
    placed = [(_length(frame.get(f"{_SVG}y")), _length(frame.get(f"{_SVG}x")), frame) for frame in frames]
    return in_reading_order(placed, same_row=_SAME_ROW)


def _length(value: str | None) -> float:
    match = _LENGTH.fullmatch(value or "")
    return float(match.group(1)) * _CENTIMETRES[match.group(2)] if match else 0.0
