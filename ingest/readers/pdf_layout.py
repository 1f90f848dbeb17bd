"""How the lines of a PDF page join into paragraphs."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from ingest.readers.pdf_lines import Cell, Line, Word

_PARAGRAPH_GAP = 1.55
_LIST_MARK = re.compile(r"(?:[•‣▪●◦·–—*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s")
_LAST_WORD_PARTS = 8
# Chinese and Japanese are written without spaces.
_UNSPACED = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff65]")


@dataclass(frozen=True, slots=True)
class Part:
    """A word of a joined text: ``gap`` parts it from the one before, ``line`` is the line that it stands on."""

    text: str
    gap: str
    word: Word
    line: Line


def paragraphs(
    lines: Sequence[Line], *, levels: Sequence[int | None], tables: Sequence[int | None]
) -> Iterator[list[int]]:
    """Yield the numbers of the lines that make one paragraph, table or heading each, in order.

    ``levels`` has the level of each line that is a heading, ``tables`` the number of the table that it is part of,
    and both have None for the others.
    """
    group: list[int] = []
    spacing = _usual_spacing(lines)
    for number in range(len(lines)):
        if group and (
            tables[number] != tables[number - 1]
            or (tables[number] is None and _starts_new(lines, number, levels=levels, spacing=spacing))
        ):
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _usual_spacing(lines: Sequence[Line]) -> float:
    steps = [a.bottom - b.bottom for a, b in itertools.pairwise(lines) if 0 < a.bottom - b.bottom < 3 * a.height]
    return median(steps) if steps else 0.0


def _starts_new(lines: Sequence[Line], number: int, *, levels: Sequence[int | None], spacing: float) -> bool:
    above, line = lines[number - 1], lines[number]
    if levels[number] != levels[number - 1] or above.rows or line.rows:
        return True
    step = above.bottom - line.bottom
    return step < 0 or step > _PARAGRAPH_GAP * max(min(spacing, 1.3 * above.height), above.height)


def line_parts(line: Line, *, gap: str) -> list[Part]:
    """Return the words of a line; ``gap`` stands before the first one."""
    return [
        part for number, cell in enumerate(line.cells) for part in cell_parts(cell, line, gap=" " if number else gap)
    ]


def cell_parts(cell: Cell, line: Line, *, gap: str) -> list[Part]:
    """Return the words of a cell; ``gap`` stands before the first one."""
    parts = [Part(word.text, " " if word.spaced else "", word, line) for word in cell.words]
    parts[0] = Part(parts[0].text, gap, parts[0].word, line)
    return parts


def joined(parts: Sequence[Part]) -> str:
    """Return the text that the parts make."""
    return "".join(text for part in parts for text in (part.gap, part.text))


def join_lines(lines: Sequence[Line], *, right_edge: float, vocabulary: frozenset[str]) -> list[Part]:
    """Join the lines of a paragraph: wrapped ones with a space, those that were ended on purpose with a newline.

    A line was wrapped when the first word of the next one had no room left on it. A hyphen at the end of a
    wrapped line is dropped, unless ``vocabulary`` (the document's words) knows the word only with it.
    """
    parts = line_parts(lines[0], gap="")
    for above, line in itertools.pairwise(lines):
        room = right_edge - above.right
        wrapped = line.first_word_width + 0.2 * line.height > room and not _LIST_MARK.match(line.text)
        gap = " "
        if not wrapped or len(above.cells) > 1:
            gap = "\n"
        elif above.ends_hyphenated and line.text[:1].islower():
            gap = ""
            if not _keeps_hyphen(parts, line.text, vocabulary):
                last = parts[-1]
                parts[-1] = Part(last.text[:-1], last.gap, last.word, last.line)
        elif _UNSPACED.match(line.text) and _UNSPACED.match(above.text[-1:]):
            gap = ""
        parts.extend(line_parts(line, gap=gap))
    return parts


def _keeps_hyphen(parts: Sequence[Part], following: str, vocabulary: frozenset[str]) -> bool:
    stem = re.search(r"[\w-]*\w(?=[-\u2010]$)", joined(parts[-_LAST_WORD_PARTS:]))
    ending = re.match(r"\w+", following)
    if not stem or not ending:
        return False
    hyphenated = f"{stem.group()}-{ending.group()}".lower()
    return hyphenated in vocabulary and hyphenated.replace("-", "") not in vocabulary
