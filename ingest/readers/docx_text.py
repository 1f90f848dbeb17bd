"""The words of a paragraph in a Word document, and what hangs on them: notes and text boxes."""

from dataclasses import dataclass, field
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MATHEMATICS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Deleted or moved away under change tracking; the picture for programs that know no text boxes; the reading of a word.
_LEFT_OUT = {f"{W}del", f"{W}moveFrom", _FALLBACK, f"{W}rt", f"{W}pPr", f"{W}rPr", f"{W}sdtPr"}
_OFF = ("0", "false", "off", "none")
_SIGNS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", f"{W}ptab": "\t"}


@dataclass(slots=True)
class Words:
    """What was found in a paragraph: its text, the notes that it refers to and the boxes anchored in it.

    ``note_places`` tell which of the parts, still empty, stands where each note is referred to.
    """

    parts: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    note_places: list[int] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def add(self, element: Any) -> None:
        """Add what an element holds; elements are never deeper than the parser allows."""
        tag = element.tag
        if tag in (f"{W}t", _MATHEMATICS):
            self.parts.append(element.text or "")
        elif tag in _SIGNS:
            self.parts.append(_SIGNS[tag])
        elif tag == f"{W}txbxContent":
            self.boxes.append(element)
        elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
            self.note_places.append(len(self.parts))
            self.parts.append("")
            self.notes.append((tag.removeprefix(W).removesuffix("Reference"), element.get(f"{W}id")))
        elif tag not in _LEFT_OUT and not (tag == f"{W}r" and is_on(element, "rPr", "vanish")):
            if tag == f"{W}sdt" and is_on(element, "sdtPr", "showingPlcHdr"):
                return
            for child in element:
                self.add(child)


def words_of(element: Any) -> Words:
    """Return what a paragraph or run holds."""
    words = Words()
    words.add(element)
    return words


def child_of(element: Any, *path: str) -> Any | None:
    """Return the element at a path of names."""
    return element.find("/".join(f"{W}{name}" for name in path))


def value_of(element: Any, *path: str) -> str | None:
    """Return the value of the property at a path of names."""
    found = child_of(element, *path)
    return found.get(f"{W}val") if found is not None else None


def is_on(element: Any, *path: str) -> bool:
    """Whether the property at a path of names is set; without a value it is."""
    found = child_of(element, *path)
    return found is not None and found.get(f"{W}val") not in _OFF
