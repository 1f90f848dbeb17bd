"""Where the text of a document stands on its pages, one compressed row for each page."""

import zlib
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from rag_app.library import schema
from rag_app.records import NewDocument, TextBox

_PACKED = np.dtype(
    [("start", "<i4"), ("end", "<i4"), ("left", "<f8"), ("top", "<f8"), ("right", "<f8"), ("bottom", "<f8")]
)
_STEPS = 10_000

_boxes = schema.document_boxes.c


def rows_of_boxes(document_id: int, document: NewDocument) -> list[dict[str, Any]]:
    """Return the boxes of a document as rows, one for each page.

    Raises:
        ValueError: a box is of no piece of the text.
    """
    rows: list[dict[str, Any]] = []
    for page, group in groupby(sorted(document.boxes, key=attrgetter("page", "start", "end")), attrgetter("page")):
        lines = list(group)
        for box in lines:
            if not 0 <= box.start < box.end <= len(document.text):
                raise ValueError(f"{document.name}: {box} is of no piece of {len(document.text)} characters")
        ends = {"start": lines[0].start, "end": max(box.end for box in lines)}
        rows.append({"document_id": document_id, "page": page, "boxes": packed_boxes(lines)} | ends)
    return rows


def list_boxes(connection: Connection, document_id: int, start: int, end: int) -> list[TextBox]:
    """Return the boxes of a document that share a character with text[start:end], in the order of the text."""
    if start >= end:
        return []
    rows = connection.execute(
        select(_boxes.page, _boxes.boxes)
        .where(_boxes.document_id == document_id, _boxes.start < end, _boxes.end > start)
        .order_by(_boxes.page)
    )
    found: list[TextBox] = []
    for page, blob in rows:
        lines = unpacked_boxes(blob)
        touched = lines[(lines["start"] < end) & (lines["end"] > start)]
        found += (TextBox(line[0], line[1], page, *line[2:]) for line in touched.tolist())
    return sorted(found, key=attrgetter("start", "end"))


def packed_boxes(boxes: Iterable[TextBox]) -> bytes:
    """Return the boxes of one page as bytes; places are kept in steps of a ten-thousandth of the page.

    A box begins where the one before it ends, or near it, so that differences are small numbers, and their higher
    bytes, kept together, are nothing to a compressor: a third of the room that the text takes.
    """
    start, end, *places = np.array([_numbers(box) for box in boxes], dtype=np.float64).reshape(-1, 6).T
    left, top, right, bottom = (np.rint(place * _STEPS) for place in places)
    columns = (start - _before(end), end - start, left - _before(right), right - left, top - _before(top), bottom - top)
    planes = np.array(columns).astype("<i4").view(np.uint8).reshape(len(columns), -1, 4).transpose(0, 2, 1)
    return zlib.compress(planes.tobytes(), level=9)


def unpacked_boxes(blob: bytes) -> NDArray[np.void]:
    """Return what ``packed_boxes`` packed, by column.

    Raises:
        ValueError, zlib.error: the bytes are nothing that it made.
    """
    planes = np.frombuffer(zlib.decompress(blob), dtype=np.uint8).reshape(6, 4, -1).transpose(0, 2, 1)
    gap, length, shift, width, step, height = np.ascontiguousarray(planes).view("<i4")[..., 0].astype(np.int64)
    end, right, top = np.cumsum(gap + length), np.cumsum(shift + width), np.cumsum(step)
    boxes = np.empty(len(end), dtype=_PACKED)
    boxes["start"], boxes["end"] = end - length, end
    for name, place in (("left", right - width), ("top", top), ("right", right), ("bottom", top + height)):
        boxes[name] = place / _STEPS
    return boxes


def _numbers(box: TextBox) -> tuple[float, ...]:
    return box.start, box.end, box.left, box.top, box.right, box.bottom


def _before(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the value of the row above, 0 in the first one."""
    return np.concatenate([[0.0], column[:-1]])
