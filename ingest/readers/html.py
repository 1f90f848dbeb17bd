"""Read HTML: what a visitor sees, without navigation, scripts and hidden parts."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup, Doctype, ProcessingInstruction
from bs4.element import Comment, Declaration, NavigableString, Tag

from ingest.readers.sections import TextBuilder
from ingest.readers.tables import table_lines
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_NOISE = {"script", "style", "nav", "template", "head", "noscript", "svg", "math", "iframe", "object", "canvas"}
_NOISE |= {"select", "button", "input", "textarea", "audio", "video", "map", "dialog"}
_INLINE = {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i"}
_INLINE |= {"ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup"}
_INLINE |= {"time", "tt", "u", "var", "wbr", "img", "picture", "ruby"}
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
# Browsers read these as Windows-1252 (https://encoding.spec.whatwg.org): its quotes and dashes are what pages hold.
_WESTERN = {"iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "ascii", "us-ascii"}
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")
_UNSEEN = (Comment, Declaration, Doctype, ProcessingInstruction)


def read_html(data: bytes, name: str) -> ExtractedText:
    """Read a page: title, headings, paragraphs, lists and tables."""
    soup = BeautifulSoup(decode_page(data, name), "lxml")
    title = soup.title.get_text() if soup.title else None
    builder = TextBuilder()
    _walk_page(builder, soup, name)
    heading = soup.find("h1")
    return builder.build(title=title or (heading.get_text(" ") if heading else None))


def add_html(builder: TextBuilder, markup: str) -> None:
    """Add a piece of HTML that stands in another document."""
    _walk_page(builder, BeautifulSoup(markup, "lxml"), "HTML block")


def decode_page(data: bytes, name: str) -> str:
    """Return a page as text, in the encoding that it declares if that fits its bytes."""
    for encoding in _declared_encodings(data):
        try:
            return data.decode(encoding)
        except (LookupError, UnicodeError):
            continue  # a false declaration: the bytes themselves know better
    return decode(data, name)


def _declared_encodings(data: bytes) -> tuple[str, ...]:
    """Return the encodings that a page may mean by what it declares, likeliest first."""
    found = _CHARSET.search(data[:4096])
    declared = found.group(1).decode("ascii").lower() if found else ""
    # What can be read as ASCII stands in no page of wide characters.
    if not declared or declared.startswith(("utf-16", "utf16", "utf-32", "utf32")) or data.startswith(_MARKS):
        return ()
    # Often declared by habit over UTF-8; what is UTF-8 by chance makes no sense in another encoding.
    return ("utf-8", "cp1252") if declared in _WESTERN else (declared,)


def _walk_page(builder: TextBuilder, soup: Tag, name: str) -> None:
    walk = _Walk(builder)
    try:
        walk.enter(soup)
    except RecursionError as error:
        raise ReadError(f"{name} nests its elements too deeply to be read. Save it as plain text.") from error
    walk.flush()


class _Walk:
    """One pass over the elements of a page; words collect until a block ends."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._words: list[str] = []
        self._prefix = ""
        self._gap = "\n\n"

    def enter(self, parent: Tag) -> None:
        for child in parent.children:
            if isinstance(child, _UNSEEN):
                continue
            if isinstance(child, Tag):
                if not _is_hidden(child):
                    self._element(child)
            elif isinstance(child, NavigableString):
                self._words.append(str(child))

    def flush(self) -> None:
        """End the block that is being collected."""
        text = _collapsed("".join(self._words))
        self._words = []
        if text:
            self._builder.block(self._prefix + text, gap=self._gap)
            self._prefix, self._gap = "", "\n\n"

    def _element(self, tag: Tag) -> None:
        if tag.name == "br":
            self._words.append("\v")
        elif tag.name == "img":
            self._words.append(str(tag.get("alt") or ""))
        elif tag.name in _INLINE:
            self.enter(tag)
        elif tag.name in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.flush()
            self._builder.heading(int(tag.name[1]), tag.get_text(" "))
        elif tag.name == "pre":
            self.flush()
            self._builder.block(tag.get_text())
        elif tag.name == "table":
            self.flush()
            self._table(tag)
        elif tag.name in ("ul", "ol"):
            self.flush()
            self._list(tag)
        else:
            self.flush()
            self.enter(tag)
            self.flush()

    def _list(self, tag: Tag) -> None:
        indent = "  " * len(tag.find_parents(["ul", "ol"]))
        gap = "\n" if indent else "\n\n"
        for number, item in enumerate(tag.find_all("li", recursive=False), start=1):
            if _is_hidden(item):
                continue
            self._prefix = f"{indent}{number}. " if tag.name == "ol" else f"{indent}- "
            self._gap = gap
            self.enter(item)
            self.flush()
            self._prefix, gap = "", "\n"
        self._gap = "\n\n"

    def _table(self, table: Tag) -> None:
        if table.caption:
            self._builder.block(_collapsed(table.caption.get_text(" ")))
        rows: list[list[str]] = []
        header: bool | None = None
        for row in _rows(table):
            cells = [cell for cell in row.find_all(["td", "th"], recursive=False) if not _is_hidden(cell)]
            if not rows and cells:
                header = True if all(cell.name == "th" for cell in cells) else None
            rows.append([text for cell in cells for text in _spread(cell)])
        self._builder.lines(table_lines(rows, header=header))


def _rows(table: Tag) -> Iterator[Tag]:
    """Yield the rows of this table, not of one inside it."""
    for row in table.find_all("tr"):
        if row.find_parent("table") is table and not _is_hidden(row):
            yield row


def _spread(cell: Tag) -> list[str]:
    """Repeat a cell's text over the columns it spans, so that values stay under their column."""
    for hidden in [inner for inner in cell.find_all(True) if _is_hidden(inner)]:
        hidden.decompose()
    span = str(cell.get("colspan") or "1")
    return [cell.get_text(" ")] * (min(int(span), 50) if span.isdecimal() and int(span) > 0 else 1)


def _is_hidden(tag: Tag) -> bool:
    if tag.name in _NOISE or tag.has_attr("hidden") or tag.get("role") == "navigation":
        return True
    return tag.get("aria-hidden") == "true" or bool(_HIDING.search(str(tag.get("style") or "")))


def _collapsed(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\v"))
    return "\n".join(lines).strip()
