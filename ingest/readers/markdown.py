"""Read Markdown as the text that a reader of the rendered page sees."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ingest.readers.html import add_html
from ingest.readers.sections import TextBuilder
from ingest.readers.tables import table_lines
from ingest.readers.text import decode, read_text
from rag_app.records import ExtractedText

# Parsing takes about a second a megabyte; a larger file is hardly written by hand.
_LARGEST_CHARACTERS = 8_000_000
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_ANCHOR = re.compile(r"(?<!\s)\s*\{#[^}\s]+\}\s*$")


def read_markdown(data: bytes, name: str) -> ExtractedText:
    """Read headings, lists, tables, code and front matter; the first heading is the title unless it names one."""
    text = decode(data, name).replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > _LARGEST_CHARACTERS:
        return read_text(data, name)
    builder = TextBuilder()
    title = None
    front = _FRONT_MATTER.match(text)
    if front:
        builder.block(front.group(1))
        named = _TITLE.search(front.group(1))
        title = named.group(1).strip().strip("\"'") if named else None
        text = text[front.end() :]
    first = add_markdown(builder, text)
    return builder.build(title=title or first)


def add_markdown(builder: TextBuilder, text: str) -> str | None:
    """Add a piece of Markdown; return its first heading of the highest level."""
    return _Walk(builder).run(MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text))


class _Walk:
    """One pass over the parsed blocks of a file."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lists: list[int | None] = []
        self._marker = ""
        self._in_list = False

    def run(self, tokens: Sequence[Token]) -> str | None:
        """Add every block to the builder; return the first heading of the highest level."""
        title: str | None = None
        steps = iter(tokens)
        for token in steps:
            if token.type == "heading_open":
                text = _ANCHOR.sub("", _inline(next(steps)))
                self._builder.heading(int(token.tag[1]), text)
                title = title or (text if token.tag == "h1" else None)
            elif token.type == "table_open":
                self._builder.lines(_table(steps))
            else:
                self._step(token)
        return title

    def _step(self, token: Token) -> None:
        if token.type in ("bullet_list_open", "ordered_list_open"):
            self._lists.append(int(token.attrGet("start") or 1) if token.type == "ordered_list_open" else None)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
            self._in_list = bool(self._lists)
        elif token.type == "list_item_open":
            self._open_item()
        elif token.type == "inline":
            self._text(_inline(token))
        elif token.type in ("fence", "code_block"):
            self._builder.block(token.content)
        elif token.type == "html_block":
            add_html(self._builder, token.content)

    def _open_item(self) -> None:
        number = self._lists[-1]
        indent = "  " * (len(self._lists) - 1)
        self._marker = f"{indent}- " if number is None else f"{indent}{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _text(self, text: str) -> None:
        if not self._lists:
            self._builder.block(text)
            return
        self._builder.block(self._marker + text, gap="\n" if self._in_list else "\n\n")
        self._marker = "  " * len(self._lists)
        self._in_list = True


def _table(steps: Iterator[Token]) -> list[str]:
    rows: list[list[str]] = []
    for token in steps:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_inline(token))
    header = any(rows[0]) if rows else False
    return table_lines(rows, header=header)


def _inline(token: Token) -> str:
    """Return a paragraph's words; a link to another site keeps its address."""
    words: list[str] = []
    address = ""
    start = 0
    for child in token.children or ():
        if child.type in ("text", "code_inline", "text_special", "image"):
            words.append(child.content)
        elif child.type == "softbreak":
            words.append(" ")
        elif child.type == "hardbreak" or (child.type == "html_inline" and child.content.lower().startswith("<br")):
            words.append("\n")
        elif child.type == "link_open":
            address, start = str(child.attrGet("href") or ""), len(words)
        elif child.type == "link_close":
            shown = "".join(words[start:])
            if address.startswith(("http://", "https://")) and address.rstrip("/") not in shown:
                words.append(f" ({address})")
    return "".join(words)
