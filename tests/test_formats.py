"""The table of formats is complete."""

import re
from pathlib import Path

from ingest.readers import FORMATS, SUFFIXES

TABLE = (Path(__file__).parents[1] / "ingest" / "FORMATS.md").read_text(encoding="utf-8")
ROWS = [line for line in TABLE.splitlines() if line.startswith("| ")][1:]


def test_every_suffix_that_is_read_stands_in_one_row_of_the_table() -> None:
    listed = [suffix for row in ROWS for suffix in re.findall(r"`(\.\w+)`", row.split(" | ")[1])]
    assert sorted(listed) == sorted(SUFFIXES)


def test_every_row_names_its_library_and_what_is_kept() -> None:
    for row in ROWS:
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))]
        assert len(cells) == 5, row
        assert all(cells[:4]), row


def test_every_suffix_has_a_format_that_has_a_reader() -> None:
    assert set(SUFFIXES.values()) == set(FORMATS)
