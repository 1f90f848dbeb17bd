"""The binary format of Word 97 to 2003, as far as its words and their structure need it.

After [MS-DOC] (https://learn.microsoft.com/openspecs/office_file_formats/ms-doc); the names in brackets are its own.
"""

import bisect
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.readers.doc_streams import Streams

_IDENTITY = 0xA5EC
_WORD_97 = 0x00C1
_PAGE = 512
_POINTERS = 0x9A  # [FibRgFcLcb97]: pairs of offset and length in the table stream
_STYLES, _NOTE_PLACES, _NOTES, _CHARACTERS, _PARAGRAPHS, _PIECES, _END_PLACES, _ENDNOTES = 1, 2, 3, 12, 13, 33, 46, 47
_OPERANDS = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
_BOLD, _DELETED, _HIDDEN, _IN_TABLE, _ROW_END, _LIST, _LIST_LEVEL = (
    *(0x0835, 0x0800, 0x083C),
    *(0x2416, 0x2417, 0x460B, 0x260A),
)
_TABLE_DEFINITION = 0xD608
_NO_STYLE = 0xFFF
_TITLE = 62


@dataclass(frozen=True, slots=True)
class Layout:
    """What is known of a paragraph: its style's number, whether it is in a table, and its place in a list."""

    style: int = 0
    in_table: bool = False
    ends_row: bool = False
    listed: bool = False
    list_level: int = 0


@dataclass(frozen=True, slots=True)
class Style:
    """The level of a heading, from 1, or None; and whether this is the style of the document's title."""

    level: int | None = None
    is_title: bool = False


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    offset: int
    width: int


class Binary:
    """The parts of a document: its stories in one text, with the layout of every paragraph.

    Positions count UTF-16 units, so that ``text`` may hold halves of characters.
    """

    def __init__(self, streams: Streams) -> None:
        self._main = streams.by_name["WordDocument"]
        identity, version = struct.unpack_from("<HH", self._main, 0)
        # Word 95 and its forerunners laid their files out otherwise.
        self.too_old = identity != _IDENTITY or version < _WORD_97
        self.text = ""
        if self.too_old:
            self.encrypted = False
            return
        flags = struct.unpack_from("<H", self._main, 0x0A)[0]
        self.encrypted = bool(flags & 0x0100)
        self._table = streams.by_name["1Table" if flags & 0x0200 else "0Table"]
        # [FibRgLw97]: text, footnotes, headers, macros, annotations, endnotes, text boxes
        self.lengths: tuple[int, ...] = struct.unpack_from("<7I", self._main, 0x4C)
        if self.encrypted:
            return
        self._pieces = list(self._read_pieces())
        self.text = "".join(map(self._decode, self._pieces))
        self._layouts = _Runs(self._runs(_PARAGRAPHS, 13))
        characters = list(self._runs(_CHARACTERS, 1))
        self._hidden = _Runs(run for run in characters if _is_set(run[2], _HIDDEN) or _is_set(run[2], _DELETED))
        self._bold = _Runs(run for run in characters if _is_set(run[2], _BOLD))
        self._styles = list(self._read_styles())

    def story(self, number: int) -> tuple[int, int]:
        """Return where a story of ``lengths`` begins and ends in the text."""
        start = sum(self.lengths[:number])
        return start, min(start + self.lengths[number], len(self.text))

    def layout(self, position: int) -> Layout:
        """Return the layout of the paragraph whose mark is at a position."""
        found = self._layouts.at(self._offset(position))
        return _read_layout(found) if found else Layout()

    def style(self, number: int) -> Style:
        return self._styles[number] if number < len(self._styles) else Style()

    @property
    def hides_words(self) -> bool:
        """Whether any words are hidden or deleted."""
        return bool(self._hidden)

    def is_hidden(self, position: int) -> bool:
        return self._hidden.at(self._offset(position)) is not None

    def is_bold(self, position: int) -> bool:
        return self._bold.at(self._offset(position)) is not None

    def notes(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Yield where the text refers to each note, and where in the text the note is."""
        for places, notes, story in ((_NOTE_PLACES, _NOTES, 1), (_END_PLACES, _ENDNOTES, 5)):
            begin, _ = self.story(story)
            texts = self._part(notes)
            bounds = struct.unpack(f"<{len(texts) // 4}I", texts[: len(texts) // 4 * 4])
            found = self._part(places)
            for number in range(max(0, min((len(found) - 4) // 6, len(bounds) - 1))):
                at = struct.unpack_from("<I", found, 4 * number)[0]
                yield at, (begin + bounds[number], begin + bounds[number + 1])

    def _part(self, number: int) -> bytes:
        offset, length = struct.unpack_from("<II", self._main, _POINTERS + 8 * number)
        return self._table[offset : offset + length]

    def _read_pieces(self) -> Iterator[_Piece]:
        """Yield the pieces of the text in their order ([Clx], [PlcPcd])."""
        table = self._part(_PIECES)
        position = 0
        while table[position] == 1:
            position += 3 + struct.unpack_from("<H", table, position + 1)[0]
        length = struct.unpack_from("<I", table, position + 1)[0]
        table = table[position + 5 : position + 5 + length]
        count = (len(table) - 4) // 12
        bounds = struct.unpack_from(f"<{count + 1}I", table, 0)
        for number in range(count):
            place = struct.unpack_from("<I", table, 4 * (count + 1) + 8 * number + 2)[0]
            narrow = bool(place & 0x40000000)
            offset = (place & 0x3FFFFFFF) // 2 if narrow else place & 0x3FFFFFFF
            width = 1 if narrow else 2
            start, end = bounds[number], bounds[number + 1]
            if start > end or offset + (end - start) * width > len(self._main):
                raise ValueError("a piece of its text lies outside the file")
            yield _Piece(start, end, offset, width)

    def _decode(self, piece: _Piece) -> str:
        raw = self._main[piece.offset : piece.offset + (piece.end - piece.start) * piece.width]
        if piece.width == 1:
            return raw.decode("cp1252", errors="replace")
        return "".join(map(chr, struct.unpack(f"<{len(raw) // 2}H", raw[: len(raw) // 2 * 2])))

    def _offset(self, position: int) -> int:
        """Return where in the file the character at a position is."""
        number = bisect.bisect_right(self._pieces, position, key=lambda piece: piece.start) - 1
        piece = self._pieces[max(0, number)]
        return piece.offset + (position - piece.start) * piece.width

    def _runs(self, number: int, entry: int) -> Iterator[tuple[int, int, bytes]]:
        """Yield runs of the file with their properties ([PlcBtePapx] and [PlcBteChpx], which lead to pages)."""
        table = self._part(number)
        count = max(0, (len(table) - 4) // 8)
        for page in struct.unpack_from(f"<{count}I", table, 4 * (count + 1)):
            start = (page & 0x3FFFFF) * _PAGE
            content = self._main[start : start + _PAGE]
            runs = content[_PAGE - 1] if len(content) == _PAGE else 0
            if 4 * (runs + 1) + entry * runs >= _PAGE:
                continue
            bounds = struct.unpack_from(f"<{runs + 1}I", content, 0)
            for run in range(runs):
                place = content[4 * (runs + 1) + entry * run] * 2
                yield bounds[run], bounds[run + 1], _properties(content, place, of_paragraph=entry != 1)

    def _read_styles(self) -> Iterator[Style]:
        """Yield the styles in their order, with what they inherit ([STSH])."""
        table = self._part(_STYLES)
        known: list[tuple[int, int]] = []
        if len(table) > 4:
            head, count = struct.unpack_from("<HH", table, 0)
            position = 2 + head
            for _ in range(count):
                if position + 2 > len(table):
                    break
                size = struct.unpack_from("<H", table, position)[0]
                first, second = struct.unpack_from("<HH", table, position + 2) if size >= 4 else (_NO_STYLE, 0xFFFF)
                known.append((first & 0xFFF, second >> 4))
                position += 2 + size + size % 2
        for number in range(len(known)):
            level: int | None = None
            current = number
            for _ in range(12):
                kind, parent = known[current]
                level = kind if 1 <= kind <= 9 else None
                if level or parent >= len(known):
                    break
                current = parent
            is_title = known[number][0] == _TITLE
            yield Style(1 if is_title else level, is_title)


class _Runs:
    """Runs of a file that do not overlap, to be looked up by a place in them."""

    def __init__(self, runs: Iterable[tuple[int, int, bytes]]) -> None:
        self._runs = sorted(runs)

    def __len__(self) -> int:
        return len(self._runs)

    def at(self, offset: int) -> bytes | None:
        number = bisect.bisect_right(self._runs, offset, key=lambda run: run[0]) - 1
        if number < 0 or offset >= self._runs[number][1]:
            return None
        return self._runs[number][2]


def _properties(page: bytes, place: int, *, of_paragraph: bool) -> bytes:
    """Return the properties at a place of a page; those of a paragraph begin with the number of its style."""
    if not place:
        return b""
    size = page[place]
    if not of_paragraph:
        return page[place + 1 : place + 1 + size]
    if size:
        return page[place + 1 : place + 2 * size]
    return page[place + 2 : place + 2 + 2 * page[place + 1]]


def _changes(properties: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the single properties of a list of them ([Prl])."""
    position = 0
    while position + 2 < len(properties):
        code = struct.unpack_from("<H", properties, position)[0]
        position += 2
        if code == _TABLE_DEFINITION:
            size = struct.unpack_from("<H", properties.ljust(position + 2, b"\0"), position)[0] + 1
        else:
            size = _OPERANDS.get(code >> 13) or properties[position] + 1
        yield code, properties[position : position + size]
        position += size


def _is_set(properties: bytes, wanted: int) -> bool:
    return any(code == wanted and value[:1] not in (b"", b"\0", b"\x80") for code, value in _changes(properties))


def _read_layout(properties: bytes) -> Layout:
    style = struct.unpack_from("<H", properties.ljust(2, b"\0"), 0)[0]
    values = {code: value for code, value in _changes(properties[2:])}
    return Layout(
        style=style,
        in_table=any(values.get(_IN_TABLE, b"")),
        ends_row=any(values.get(_ROW_END, b"")),
        listed=any(values.get(_LIST, b"")),
        list_level=min(values.get(_LIST_LEVEL, b"\0")[0], 8),
    )
