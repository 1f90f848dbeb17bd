"""Where the text of a document stands on its pages, one compressed row for each page."""

import zlib
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, insert, select

from rag_app.library import schema
from rag_app.records import NewDocument, TextBox

_PACKED = np.dtype(
    [("start", "<i4"), ("end", "<i4"), ("left", "<f4"), ("top", "<f4"), ("right", "<f4"), ("bottom", "<f4")]
)

_boxes = schema.document_boxes.c


def put_boxes(connection: Connection, document_id: int, document: NewDocument) -> None:
    """Write the boxes of a document that has none yet.

    Raises:
        ValueError: a box is of no piece of the text.
    """
    rows = []
    for page, group in groupby(sorted(document.boxes, key=attrgetter("page", "start", "end")), attrgetter("page")):
        lines = list(group)
        for box in lines:
            if not 0 <= box.start < box.end <= len(document.text):
                raise ValueError(f"{document.name}: {box} is of no piece of {len(document.text)} characters")
        ends = {"start": lines[0].start, "end": max(box.end for box in lines)}
        rows.append({"document_id": document_id, "page": page, "boxes": packed_boxes(lines)} | ends)
    if rows:
        connection.execute(insert(schema.document_boxes), rows)


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
    """Return the boxes of one page as bytes; their places keep seven digits."""
    lines = [(box.start, box.end, box.left, box.top, box.right, box.bottom) for box in boxes]
    return zlib.compress(np.array(lines, dtype=_PACKED).tobytes())


def unpacked_boxes(blob: bytes) -> NDArray[np.void]:
    """Return what ``packed_boxes`` packed, by column.

    Raises:
        ValueError, zlib.error: the bytes are nothing that it made.
    """
    return np.frombuffer(zlib.decompress(blob), dtype=_PACKED)
