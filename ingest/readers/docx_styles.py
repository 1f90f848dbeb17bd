"""The styles of a Word document: which are headings, and which number their paragraphs."""

import re
from dataclasses import dataclass
from typing import Any

from ingest.readers.docx_text import W, value_of

_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_LONGEST_CHAIN = 12


@dataclass(frozen=True, slots=True)
class Style:
    """What a style says of its paragraphs: the level of a heading, from 1, and the number of the list they are in."""

    identifier: str = ""
    name: str = ""
    level: int | None = None
    numbering: str | None = None
    list_level: int | None = None

    @property
    def is_title(self) -> bool:
        return self.name == "Title"

    @property
    def is_contents(self) -> bool:
        """Whether its paragraphs are lines of a table of contents, which repeat the headings."""
        return self.name.lower().startswith(("toc ", "table of figures"))


class Styles:
    """The styles by their identifiers, each with what it inherits."""

    def __init__(self, root: Any | None) -> None:
        self._elements: dict[str, Any] = {}
        self._known: dict[str, Style] = {}
        self._default = ""
        for element in root if root is not None else ():
            if element.tag == f"{W}style" and element.get(f"{W}type", "paragraph") == "paragraph":
                identifier = element.get(f"{W}styleId") or ""
                self._elements[identifier] = element
                if element.get(f"{W}default") in ("1", "true", "on"):
                    self._default = identifier

    def of(self, paragraph: Any) -> Style:
        """Return the style of a paragraph."""
        identifier = value_of(paragraph, "pPr", "pStyle") or self._default
        if identifier not in self._known:
            self._known[identifier] = self._resolve(identifier)
        return self._known[identifier]

    def _resolve(self, identifier: str) -> Style:
        own_name = self._name(identifier)
        level: int | None = None
        number: str | None = None
        list_level: int | None = None
        current: str | None = identifier
        for _ in range(_LONGEST_CHAIN):
            element = self._elements.get(current or "")
            if element is None:
                break
            level = level or _heading_level(self._name(current or ""), element)
            if number is None:
                number = value_of(element, "pPr", "numPr", "numId")
                list_level = whole_number(value_of(element, "pPr", "numPr", "ilvl"))
            current = value_of(element, "basedOn")
        return Style(identifier, own_name, level, number, list_level)

    def _name(self, identifier: str) -> str:
        element = self._elements.get(identifier)
        return (value_of(element, "name") or "") if element is not None else ""


def outline_level(element: Any) -> int | None:
    """Return the level, from 1, that a paragraph or style has in the outline; None for body text."""
    value = whole_number(value_of(element, "pPr", "outlineLvl"))
    return value + 1 if value is not None and value < 9 else None


def whole_number(value: str | None) -> int | None:
    """Return a small number that is written in digits, else None."""
    return int(value) if value and value.isascii() and value.isdecimal() and len(value) < 10 else None


def _heading_level(name: str, element: Any) -> int | None:
    if name == "Title":
        return 1
    match = _HEADING.fullmatch(name)
    return int(match.group(1)) if match and match.group(1) != "0" else outline_level(element)
