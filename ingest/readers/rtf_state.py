"""What holds at a place in an RTF file: the properties of its characters and paragraph, and the file's tables."""

import codecs
from dataclasses import dataclass, field, replace

SYMBOLS = {
    "tab": "\t",
    "line": "\n",
    "lbr": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "bullet": "\u2022",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
}
# Of the specification's table of \\fcharset those that Python can decode.
_CHARSETS = {77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253"}
_CHARSETS |= {162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251"}
_CHARSETS |= {222: "cp874", 238: "cp1250", 254: "cp437", 255: "cp850"}
_WESTERN = "cp1252"


@dataclass(slots=True)
class State:
    """The properties that a group inherits from the one around it.

    ``place`` says what the words belong to: "" for the text itself, "silent" for nothing, else a part of the file.
    """

    place: str = ""
    font: int | None = None
    skip: int = 1
    bold: bool = False
    hidden: bool = False
    style: int | None = None
    outline: int | None = None
    in_table: bool = False
    list_level: int = 0
    listed: bool = False

    def copy(self) -> "State":
        return replace(self)

    def set(self, word: str, number: int | None) -> None:
        """Take over a property; words that say nothing of these are ignored."""
        on = number != 0
        if word == "b":
            self.bold = on
        elif word in ("v", "deleted"):
            self.hidden = on
        elif word == "plain":
            self.bold = self.hidden = False
        elif word == "pard":
            self.style, self.outline, self.in_table = None, None, False
            self.list_level, self.listed = 0, False
        elif word == "s":
            self.style = number
        elif word == "outlinelevel":
            self.outline = number
        elif word == "intbl":
            self.in_table = True
        elif word == "ls":
            self.listed = on
        elif word == "ilvl":
            self.list_level = min(max(number or 0, 0), 8)


@dataclass(slots=True)
class Tables:
    """What the head of a file declares for all of it."""

    encoding: str = _WESTERN
    default_font: int | None = None
    fonts: dict[int | None, str | None] = field(default_factory=dict)
    styles: dict[int, str] = field(default_factory=dict)
    title: str = ""
    # Of each cell of the row that is being defined: whether it continues the one above it.
    continued: list[bool] = field(default_factory=list)
    continues: bool = False

    def define_row(self, word: str) -> None:
        """Take note of a word that defines the cells of a row."""
        if word == "trowd":
            self.continued, self.continues = [], False
        elif word == "clvmrg":
            self.continues = True
        else:
            self.continued.append(self.continues)
            self.continues = False

    def encoding_of(self, state: State) -> str:
        font = state.font if state.font is not None else self.default_font
        return self.fonts.get(font) or self.encoding


def encoding_of_charset(number: int | None) -> str | None:
    """Return the encoding of a font; None where it is that of the whole file."""
    return _CHARSETS.get(number) if number is not None else None


def encoding_of_page(number: int | None) -> str:
    """Return the encoding of a code page; one that is not known is read as Western."""
    try:
        return codecs.lookup("utf-8" if number == 65001 else f"cp{number}").name
    except LookupError:
        return _WESTERN
