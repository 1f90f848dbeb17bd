"""Count the numbered paragraphs of a Word document as Word does, since their numbers are not in its text."""

import re
from dataclasses import dataclass, field
from typing import Any

from ingest.readers.docx_styles import whole_number
from ingest.readers.docx_text import W, value_of

_PLACE = re.compile(r"%([1-9])")
_LEVELS = 9
_ROMAN = {1000: "m", 900: "cm", 500: "d", 400: "cd", 100: "c", 90: "xc", 50: "l", 40: "xl"}
_ROMAN |= {10: "x", 9: "ix", 5: "v", 4: "iv", 1: "i"}


@dataclass(frozen=True, slots=True)
class _Level:
    kind: str = "decimal"
    pattern: str = ""
    start: int = 1
    style: str | None = None


@dataclass(slots=True)
class _List:
    """A numbering that paragraphs refer to; several may count on in the same abstract one."""

    abstract: str
    restarts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The lists of a document, with how far each has counted."""

    def __init__(self, root: Any | None) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, list[int | None]] = {}
        for element in root if root is not None else ():
            if element.tag == f"{W}abstractNum":
                levels = {_level_number(level): _read_level(level) for level in element.iter(f"{W}lvl")}
                self._levels[element.get(f"{W}abstractNumId") or ""] = levels
            elif element.tag == f"{W}num":
                self._lists[element.get(f"{W}numId") or ""] = _read_list(element)

    def level_of_style(self, number: str, style: str) -> int:
        """Return the level that a list reserves for the paragraphs of a style."""
        levels = self._levels_of(number)
        return next((place for place, level in levels.items() if level.style == style), 0)

    def next_mark(self, number: str, place: int) -> str | None:
        """Count one on, and return what stands before the paragraph: "-", "2.", "2.1" or "(a)".

        None where the list is not known, or marks nothing.
        """
        place = min(place, _LEVELS - 1)
        level = self._levels_of(number).get(place)
        if level is None or level.kind == "none":
            return None
        if level.kind == "bullet":
            return "-"
        counts = self._count(number, place)
        mark = _PLACE.sub(lambda match: self._shown(number, int(match.group(1)) - 1, counts), level.pattern)
        return mark.strip() or None

    def _levels_of(self, number: str) -> dict[int, _Level]:
        found = self._lists.get(number)
        return self._levels.get(found.abstract, {}) if found else {}

    def _count(self, number: str, place: int) -> list[int | None]:
        numbering = self._lists[number]
        counts = self._counts.setdefault(numbering.abstract, [None] * _LEVELS)
        restart = numbering.restarts.pop(place, None)
        before = counts[place]
        if restart is not None:
            counts[place] = restart
        else:
            counts[place] = self._start(number, place) if before is None else before + 1
        counts[place + 1 :] = [None] * (_LEVELS - place - 1)
        return counts

    def _start(self, number: str, place: int) -> int:
        return self._levels_of(number).get(place, _Level()).start

    def _shown(self, number: str, place: int, counts: list[int | None]) -> str:
        count = counts[place]
        level = self._levels_of(number).get(place, _Level())
        return _written(level.start if count is None else count, level.kind)


def _level_number(level: Any) -> int:
    return whole_number(level.get(f"{W}ilvl")) or 0


def _read_level(level: Any) -> _Level:
    start = whole_number(value_of(level, "start"))
    return _Level(
        kind=value_of(level, "numFmt") or "decimal",
        pattern=value_of(level, "lvlText") or "",
        start=1 if start is None else start,
        style=value_of(level, "pStyle"),
    )


def _read_list(element: Any) -> _List:
    found = _List(value_of(element, "abstractNumId") or "")
    for override in element.iter(f"{W}lvlOverride"):
        start = whole_number(value_of(override, "startOverride"))
        if start is not None:
            found.restarts[_level_number(override)] = start
    return found


def _written(count: int, kind: str) -> str:
    if kind in ("lowerLetter", "upperLetter") and count > 0:
        letters = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 20)
        return letters if kind == "lowerLetter" else letters.upper()
    if kind in ("lowerRoman", "upperRoman") and 0 < count < 4000:
        roman = ""
        for value, sign in _ROMAN.items():
            times, count = divmod(count, value)
            roman += sign * times
        return roman if kind == "lowerRoman" else roman.upper()
    return f"{count:02d}" if kind == "decimalZero" else str(count)
