"""The styles of an OpenDocument file: which paragraphs are titles, which lists are numbered, what is hidden."""

from typing import Any

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SHOWING = (f"{_TABLE}display", f"{_PRESENTATION}visibility", f"{_TEXT}display")
_HIDDEN = {"false", "hidden", "none"}


class Styles:
    """What the styles in some parts of a document say."""

    def __init__(self, *roots: Any) -> None:
        self._starts: dict[tuple[str, int], int] = {}
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        for root in roots:
            for style in root.iter(f"{_TEXT}list-style"):
                self._read_list(style)
            for style in root.iter(f"{_STYLE}style"):
                self._read_style(style)

    def start(self, style: str | None, depth: int) -> int | None:
        """Return the number at which a level of a list begins; None for bullets."""
        return self._starts.get((style or "", depth))

    def is_title(self, style: str | None) -> bool:
        """Whether a paragraph's style is that of the document's title, or made from it."""
        return style is not None and "Title" in (style, self._parents.get(style))

    def is_hidden(self, style: str | None) -> bool:
        """Whether what has this style, a sheet, a slide or some words, is not shown."""
        return style in self._hidden

    def _read_list(self, style: Any) -> None:
        name = style.get(f"{_STYLE}name") or ""
        for level in style.iter(f"{_TEXT}list-level-style-number"):
            depth, start = level.get(f"{_TEXT}level") or "", level.get(f"{_TEXT}start-value") or "1"
            if level.get(f"{_STYLE}num-format") and depth.isdecimal() and start.isdecimal() and len(start) < 10:
                self._starts[name, int(depth) - 1] = int(start)

    def _read_style(self, style: Any) -> None:
        name = style.get(f"{_STYLE}name") or ""
        parent = style.get(f"{_STYLE}parent-style-name")
        if parent:
            self._parents[name] = parent
        for properties in style:
            shown = (properties.get(attribute) for attribute in _SHOWING)
            if not _HIDDEN.isdisjoint(shown):
                self._hidden.add(name)
