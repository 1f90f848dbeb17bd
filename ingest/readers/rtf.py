"""Read Rich Text Format: paragraphs, headings, lists, tables and notes.

After the Rich Text Format Specification 1.9.1 (Microsoft, 2008), of which only what carries words is followed.
"""

import re

from ingest.readers.rtf_blocks import Blocks
from ingest.readers.rtf_state import SYMBOLS, State, Tables, encoding_of_charset, encoding_of_page
from ingest.readers.sections import TextBuilder
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n\x00]+|([^\\{}\r\n\x00]+)|\\",
    re.DOTALL,
)
# Groups that hold no words of the text itself; so do all that begin with \* and are not known.
_SILENT = set(
    "colortbl pict objdata header headerl headerr headerf footer footerl footerr footerf listtable listoverridetable "
    "generator xmlnstbl themedata colorschememapping datastore latentstyles rsidtbl revtbl fldinst annotation atnid "
    "atnauthor atntime atndate atnref atnparent atnicn atrfstart atrfend bkmkstart bkmkend filetbl author operator "
    "company category keywords comment doccomm hlinkbase creatim revtim printim buptim subject manager upr pnseclvl "
    "ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn template userprops sp tc xe shprslt nonesttables mmathPict "
    "background objclass objname picprop private falt panose defchp defpap".split()
)
_KNOWN_STARRED = {"shptxt", "ud", "shpinst", "listtext", "pntext", "moMath", "footnote"}


def read_rtf(data: bytes, name: str) -> ExtractedText:
    """Read a document; hidden and deleted words are left out. What ends too early is read as far as it goes."""
    start = data[:1024].find(b"{\\rtf")
    if start < 0:
        raise ReadError(f"{name} is no RTF document. Open it in a word processor, save it again and ingest it.")
    reader = _Reader(data)
    reader.run(start)
    builder = TextBuilder()
    reader.blocks.add_to(builder)
    if reader.depth > 0:
        builder.note("the file ends in the middle of its text")
    if builder.empty:
        raise ReadError(f"{name} has no words in it. Put its content into words, or list it in .ragignore.")
    return builder.build(title=reader.tables.title or None)


class _Reader:
    """One pass over the tokens of a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._stack: list[State] = []
        self._state = State()
        self._starred = False
        self._skip = 0
        self.tables = Tables()
        self.blocks = Blocks()

    @property
    def depth(self) -> int:
        return len(self._stack)

    def run(self, position: int) -> None:
        """Read from a position on until the group that begins there ends."""
        while position < len(self._data):
            match = _TOKEN.match(self._data, position)
            if match is None:
                break
            position = match.end()
            word, argument, code, symbol, brace, text = match.groups()
            if brace:
                if self._brace(brace):
                    break
            elif word:
                number = int(argument) if argument else None
                if word == b"bin":
                    position += max(0, number or 0)
                else:
                    self._word(word.decode("ascii"), number)
            elif symbol:
                self._symbol(symbol)
            elif code:
                self._bytes(bytes.fromhex(code.decode("ascii")))
            elif text:
                self._bytes(text)
        self.blocks.end()

    def _brace(self, brace: bytes) -> bool:
        """Enter or leave a group; return whether the outermost one has ended."""
        self._skip = 0
        self._starred = False
        if brace == b"{":
            self._stack.append(self._state)
            self._state = self._state.copy()
            return False
        left = self._state
        self._state = self._stack.pop() if self._stack else self._state
        if left.place != self._state.place or left.place == "style":
            self._left(left)
        return not self._stack

    def _left(self, left: State) -> None:
        """Note what a group that has just ended held."""
        words = self.blocks.decoded(left)
        if left.place == "style":
            if left.style is not None and words:
                self.tables.styles[left.style] = words.strip().rstrip(";")
            self.blocks.clear()
        elif left.place == "title":
            self.tables.title = words.strip()
            self.blocks.clear()
        elif left.place == "mark":
            self.blocks.take_mark()
        elif left.place == "note":
            self.blocks.leave_note()

    def _word(self, word: str, number: int | None) -> None:
        self._skip = 0
        starred, self._starred = self._starred, False
        state = self._state
        if word in _SILENT or (starred and word not in _KNOWN_STARRED):
            state.place = "silent"
        elif word == "ud":
            state.place = self._stack[-2].place if len(self._stack) > 1 else ""
        elif word in SYMBOLS:
            self._text(SYMBOLS[word])
        elif word == "u" and number is not None:
            self._text(chr(number % 0x10000))
            self._skip = state.skip
        elif word in ("fonttbl", "stylesheet", "title", "footnote", "listtext", "pntext"):
            self._enter(word)
        else:
            self._property(word, number)

    def _enter(self, word: str) -> None:
        if self._state.place == "silent":
            return
        places = {"fonttbl": "font", "stylesheet": "style", "title": "title", "footnote": "note"}
        self._state.place = places.get(word, "mark")
        if self._state.place == "note":
            self.blocks.enter_note()

    def _property(self, word: str, number: int | None) -> None:
        state, tables = self._state, self.tables
        if word == "ansicpg":
            tables.encoding = encoding_of_page(number)
        elif word == "deff":
            tables.default_font = number
        elif word == "f":
            state.font = number
        elif word == "fcharset" and state.place == "font":
            tables.fonts[state.font] = encoding_of_charset(number)
        elif word in ("trowd", "clvmrg", "cellx"):
            tables.define_row(word)
        elif word == "uc":
            state.skip = min(max(number or 0, 0), 8)
        elif word in ("par", "sect", "page", "cell", "nestcell", "row", "nestrow") and state.place in ("", "note"):
            self.blocks.end_of(word, state, tables)
        else:
            state.set(word, number)

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._starred = True
        elif symbol in (b"\r", b"\n"):
            self._word("par", None)
        else:
            self._text(
                {b"~": " ", b"_": "-", b"-": ""}.get(symbol, symbol.decode("latin-1") if symbol in b"{}\\" else "")
            )

    def _bytes(self, raw: bytes) -> None:
        if self._skip:
            skipped = min(self._skip, len(raw))
            self._skip -= skipped
            raw = raw[skipped:]
        if raw and self._reads():
            self.blocks.add_bytes(raw, self.tables.encoding_of(self._state), self._state)

    def _text(self, text: str) -> None:
        if text and self._reads():
            self.blocks.add_text(text, self._state)

    def _reads(self) -> bool:
        return not (self._state.hidden or self._state.place in ("silent", "font"))
