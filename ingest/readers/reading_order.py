"""The order in which people read what stands on a slide: row by row, from left to right."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def in_reading_order(placed: Sequence[tuple[float, float, Item]], *, same_row: float) -> list[Item]:
    """Return the items of ``(top, left, item)`` in reading order; tops within ``same_row`` stand side by side."""
    ordered: list[Item] = []
    row: list[tuple[float, float, Item]] = []
    for entry in sorted(placed, key=lambda one: one[0]):
        if row and entry[0] - row[0][0] > same_row:
            ordered += _from_left(row)
            row = []
        row.append(entry)
    return ordered + _from_left(row)


def _from_left(row: Sequence[tuple[float, float, Item]]) -> list[Item]:
    return [item for _, _, item in sorted(row, key=lambda one: one[1])]
