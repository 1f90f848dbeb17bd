"""The binary format of PowerPoint 97 to 2003, as far as its words need it.

After [MS-PPT] (https://learn.microsoft.com/openspecs/office_file_formats/ms-ppt); the names in brackets are its own.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

_DOCUMENT, _SLIDE_LIST, _PERSIST, _SLIDE, _SLIDE_FACTS, _SHOW_FACTS = 0x03E8, 0x0FF0, 0x03F3, 0x03EE, 0x03EF, 0x03F9
_TEXT_KIND, _UNICODE, _BYTES, _REFERENCE, _TEXT_BOX, _DRAWING = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E, 0xF00D, 0x040C
_EDIT, _DIRECTORY, _NOTES = 0x0FF5, 0x1772, 0x03F0
_ENCRYPTED = 0xF3D1C4DF
_CONTAINER = 0xF
_SLIDES, _NOTES_PAGES = 0, 2
_DEEPEST = 32
_MOST_EDITS = 10_000
_HIDDEN = 0x0004

TITLE_KINDS = {0, 6}
NOTES_KIND = 2


class _Record(NamedTuple):
    """A record: its version, which tells containers, its instance, and where its content is in the stream."""

    version: int
    instance: int
    kind: int
    start: int
    end: int


@dataclass(slots=True)
class Text:
    """The words of a shape, and of what ``kind`` they are: a title, a body, speakers' notes and so on."""

    kind: int
    words: str


@dataclass(slots=True)
class Slide:
    """The texts of a slide in the order of its shapes, and those of its notes page."""

    texts: list[Text] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    hidden: bool = False


@dataclass(slots=True)
class _Entry:
    """A slide or a notes page as the document lists it: where it is, its id, and the texts of its outline."""

    persist: int
    identifier: int
    outline: list[Text] = field(default_factory=list)


class Deck:
    """The slides of a presentation.

    Raises:
        ValueError, LookupError, struct.error: it is damaged.
    """

    def __init__(self, stream: bytes, current_user: bytes) -> None:
        self._stream = stream
        token, edit = struct.unpack_from("<II", current_user, 12)
        self.encrypted = token == _ENCRYPTED
        self.slides: list[Slide] = []
        self.damaged: list[int] = []
        if self.encrypted:
            return
        self._places, document = self._read_edits(edit)
        self._read: set[int] = set()
        lists = {kind: list(self._entries(document, kind)) for kind in (_SLIDES, _NOTES_PAGES)}
        notes = {entry.identifier: entry for entry in lists[_NOTES_PAGES]}
        for number, entry in enumerate(lists[_SLIDES], start=1):
            slide = Slide(texts=entry.outline)
            try:
                self._add_slide(slide, entry, notes)
            except (ValueError, LookupError, struct.error):
                self.damaged.append(number)
            self.slides.append(slide)

    def _read_edits(self, offset: int) -> tuple[dict[int, int], _Record]:
        """Return where each part is, by its number, as of the last time the file was saved; and the document."""
        places: dict[int, int] = {}
        document = None
        read: set[int] = set()
        for _ in range(_MOST_EDITS):
            edit = self._record(offset)
            if edit.kind != _EDIT:
                raise ValueError("its list of changes leads nowhere")
            before, directory, number = struct.unpack_from("<III", self._stream, edit.start + 8)
            document = number if document is None else document
            if directory not in read:
                read.add(directory)
                for part, place in self._places_in(self._record(directory)):
                    # What was saved last was read first.
                    places.setdefault(part, place)
            if not 0 < before < offset:
                break
            offset = before
        found = self._record(places[document or 0])
        if found.kind != _DOCUMENT:
            raise ValueError("it has no document in it")
        return places, found

    def _places_in(self, directory: _Record) -> Iterator[tuple[int, int]]:
        """Yield the numbers and places of parts ([PersistDirectoryAtom])."""
        at = directory.start
        while directory.kind == _DIRECTORY and at + 4 <= directory.end:
            packed = struct.unpack_from("<I", self._stream, at)[0]
            first, count = packed & 0xFFFFF, packed >> 20
            count = min(count, (directory.end - at - 4) // 4)
            offsets = struct.unpack_from(f"<{count}I", self._stream, at + 4)
            yield from enumerate(offsets, start=first)
            at += 4 + 4 * count

    def _entries(self, document: _Record, instance: int) -> Iterator[_Entry]:
        """Yield the slides or notes pages in their order ([SlideListWithTextContainer])."""
        entry: _Entry | None = None
        for listed in self._inside(document):
            if listed.kind != _SLIDE_LIST or listed.instance != instance:
                continue
            kind = 0
            for record in self._inside(listed):
                if record.kind == _PERSIST:
                    if entry:
                        yield entry
                    persist, _, _, identifier = struct.unpack_from("<4I", self._stream, record.start)
                    entry = _Entry(persist, identifier)
                elif record.kind == _TEXT_KIND:
                    kind = self._number(record)
                    if entry:
                        # A text without words has its place, too: shapes refer to texts by their order.
                        entry.outline.append(Text(kind, ""))
                elif record.kind in (_UNICODE, _BYTES) and entry and entry.outline:
                    entry.outline[-1].words = self._words(record)
        if entry:
            yield entry

    def _add_slide(self, slide: Slide, entry: _Entry, notes: dict[int, _Entry]) -> None:
        page = self._part(entry, _SLIDE)
        shown: list[Text] = []
        notes_page = 0
        for record in self._inside(page):
            if record.kind == _SLIDE_FACTS:
                notes_page = struct.unpack_from("<I", self._stream, record.start + 16)[0]
            elif record.kind == _SHOW_FACTS:
                slide.hidden = bool(struct.unpack_from("<H", self._stream, record.start + 10)[0] & _HIDDEN)
            elif record.kind == _DRAWING:
                shown += self._shapes(record, entry.outline)
        # What is in the outline and in no shape was a placeholder's.
        placed = set(map(id, shown))
        slide.texts = [text for text in entry.outline if id(text) not in placed] + shown
        if notes_page in notes:
            for record in self._inside(self._part(notes[notes_page], _NOTES)):
                if record.kind == _DRAWING:
                    slide.notes += self._shapes(record, notes[notes_page].outline)

    def _part(self, entry: _Entry, kind: int) -> _Record:
        offset = self._places[entry.persist]
        record = self._record(offset)
        # Each part is read once: a damaged list may name one a million times.
        if record.kind != kind or offset in self._read:
            raise ValueError("a slide is not where it is said to be")
        self._read.add(offset)
        return record

    def _shapes(self, drawing: _Record, outline: Sequence[Text]) -> list[Text]:
        """Return the texts of the shapes of a drawing, in their order."""
        texts: list[Text] = []
        left = dict(enumerate(outline))
        waiting: list[tuple[_Record, int]] = [(drawing, 0)]
        while waiting:
            record, depth = waiting.pop()
            if record.kind == _TEXT_BOX:
                texts += self._text_box(record, left)
            elif record.version == _CONTAINER and depth < _DEEPEST:
                waiting += [(inner, depth + 1) for inner in reversed(list(self._inside(record)))]
        return texts

    def _text_box(self, box: _Record, outline: dict[int, Text]) -> Iterator[Text]:
        """Yield the texts in a shape, or those of the outline that it refers to, which are taken out of it."""
        kind = 4
        for record in self._inside(box):
            if record.kind == _TEXT_KIND:
                kind = self._number(record)
            elif record.kind == _REFERENCE:
                number = self._number(record)
                if number in outline:
                    yield outline.pop(number)
            elif record.kind in (_UNICODE, _BYTES):
                yield Text(kind, self._words(record))

    def _record(self, offset: int) -> _Record:
        head, kind, length = struct.unpack_from("<HHI", self._stream, offset)
        start = offset + 8
        if start + length > len(self._stream):
            raise ValueError("a part of it is cut off")
        return _Record(head & 0xF, head >> 4, kind, start, start + length)

    def _inside(self, container: _Record) -> Iterator[_Record]:
        offset = container.start
        while offset + 8 <= container.end:
            record = self._record(offset)
            if record.end > container.end:
                return
            yield record
            offset = record.end

    def _number(self, record: _Record) -> int:
        return int(struct.unpack_from("<I", self._stream, record.start)[0])

    def _words(self, record: _Record) -> str:
        content = self._stream[record.start : record.end]
        return content.decode("utf-16-le" if record.kind == _UNICODE else "latin-1", errors="replace")
