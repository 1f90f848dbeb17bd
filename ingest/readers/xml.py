"""Read XML of any vocabulary: records as lines, words as paragraphs, under the elements that hold them."""

import re
from collections.abc import Iterator
from typing import Any

from ingest.readers.html import add_html
from ingest.readers.markup import local_name, parse_xml
from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_TITLES = ("title", "name", "subject", "heading", "head", "label")
_TITLE_DEPTH = 3
_LONGEST_RECORD = 600
_LONGEST_TITLE = 150
# Attributes that say nothing to a reader: names for machines, looks, and where a schema is.
_SILENT = {"class", "style", "xmlns", "schemaLocation", "noNamespaceSchemaLocation", "space", "base"}
_DRAWING = {"path", "style", "script", "defs"}
_MARKUP = re.compile(r"</\w+\s*>|<br\s*/?>|<p>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,10000}>")
_REMEDY = "Save it again from the program that made it."


def read_xml(data: bytes, name: str) -> ExtractedText:
    """Read a document's words. Entities of its own are never replaced, and nothing is fetched.

    What is not well-formed is read as plain text without its tags, with a note.

    Raises:
        ReadError: it is no text at all.
    """
    builder = TextBuilder()
    try:
        root = parse_xml(data, name, remedy=_REMEDY)
    except ReadError as error:
        builder.note(f"read as plain text without its tags: {error.__cause__ or error}")
        for line in _TAG.sub("\n", decode(data, name)).split("\n"):
            builder.block(line.strip(), gap="\n")
        return builder.build()
    if local_name(root) == "html":
        add_html(builder, decode(data, name))
    else:
        _Walk(builder).enter(root, level=1)
    return builder.build(title=_title(root))


def _title(root: Any) -> str | None:
    for element in root.iter():
        deep = sum(1 for _ in element.iterancestors())
        if deep <= _TITLE_DEPTH and local_name(element).lower() in _TITLES[:3] and _words(element):
            return _words(element)[:_LONGEST_TITLE]
        if deep > _TITLE_DEPTH + 1:
            break
    return None


class _Walk:
    """One pass over the elements of a document. lxml allows 256 levels, so that calls may follow them."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder

    def enter(self, element: Any, *, level: int) -> None:
        """Add an element: mixed with words as a paragraph, short data as a line, all else under a heading."""
        if local_name(element) in _DRAWING:
            return
        children = [child for child in element if local_name(child)]
        if _has_words_between(element) or not children:
            self._paragraph(element, short=not children)
        elif _is_record(element, children):
            self._builder.block(_record(element), gap="\n")
        else:
            self._container(element, children, level)

    def _paragraph(self, element: Any, *, short: bool) -> None:
        words = _words(element)
        if short and words and _MARKUP.search(words):
            self._builder.block(local_name(element) + ":")
            add_html(self._builder, "".join(element.itertext()))
            return
        line = " | ".join(_with_attributes(element, words))
        # A word or a number alone says little without the name of its element.
        self._builder.block(line if " " in words else f"{local_name(element)}: {line}" if line else "", gap="\n")

    def _container(self, element: Any, children: list[Any], level: int) -> None:
        title = next((child for child in children if local_name(child).lower() in _TITLES and not len(child)), None)
        words = _words(title) if title is not None else ""
        named = bool(words) and len(words) <= _LONGEST_TITLE
        if named:
            self._builder.heading(level, words)
        else:
            self._builder.enter(level, local_name(element))
        attributes = " | ".join(_attributes(element))
        self._builder.block(attributes, gap="\n")
        for child in children:
            if not (named and child is title):
                self.enter(child, level=level + 1)
                self._builder.leave(level + 1)


def _has_words_between(element: Any) -> bool:
    """Whether words stand beside child elements, as in running text."""
    return bool(len(element)) and any(
        (text or "").strip() for text in (element.text, *(child.tail for child in element))
    )


def _is_record(element: Any, children: list[Any]) -> bool:
    """Whether an element is a short row of values: children without children, which do not repeat a name."""
    names = {local_name(child) for child in children}
    if len(names) < len(children) or any(len(child) for child in children):
        return False
    size = sum(len(child.text or "") for child in children)
    return size <= _LONGEST_RECORD and not any("\n\n" in (child.text or "").strip() for child in children)


def _record(element: Any) -> str:
    return " | ".join([*_attributes(element), *_fields(element)])


def _fields(element: Any) -> Iterator[str]:
    for child in element:
        values = " ".join(_with_attributes(child, _words(child)))
        if local_name(child) and values:
            yield f"{local_name(child)}: {values}"


def _with_attributes(element: Any, words: str) -> list[str]:
    return [*filter(None, [words]), *_attributes(element)]


def _attributes(element: Any) -> Iterator[str]:
    for key, value in element.attrib.items():
        name = key.rpartition("}")[2]
        if name not in _SILENT and one_line(value):
            yield f"{name}: {one_line(value)}"


def _words(element: Any) -> str:
    """Return an element's words on one line; an entity of the document's own stays as it is written."""
    return one_line("".join(map(str, element.itertext(with_tail=False))))
