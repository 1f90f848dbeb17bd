"""Read XML of any vocabulary: records as lines, words as paragraphs, under the elements that hold them."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ingest.readers.html import add_html
from ingest.readers.markup import local_name, parse_xml
from ingest.readers.sections import TextBuilder
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_TITLES = ("title", "name", "subject", "heading", "head", "label")
_TITLE_DEPTH = 3
_TITLE_AMONG = 200
_LONGEST_RECORD = 600
_LONGEST_TITLE = 150
# Attributes that say nothing to a reader: names for machines, looks, and where a schema is.
_SILENT = {"class", "style", "xmlns", "schemaLocation", "noNamespaceSchemaLocation", "space", "base"}
_MOST_ATTRIBUTES = 500
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
        _Walk(builder).run(root)
    return builder.build(title=_title(root))


def _title(root: Any) -> str | None:
    """Return the words of the first element near the beginning and the root that is called a title."""
    for element in islice(root.iter(), _TITLE_AMONG):
        if local_name(element).lower() in _TITLES[:3]:
            words = _words(element)
            if words and sum(1 for _ in element.iterancestors()) <= _TITLE_DEPTH:
                return words[:_LONGEST_TITLE]
    return None


class _Walk:
    """One pass over the elements of a document. lxml allows 256 levels, so that calls may follow them."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._lines: list[str] = []

    def run(self, root: Any) -> None:
        self._enter(root, level=1)
        self._flush()

    def _flush(self) -> None:
        """Add the lines that were collected; millions of records take long one by one."""
        self._builder.block("\n".join(self._lines), gap="\n")
        self._lines = []

    def _enter(self, element: Any, *, level: int) -> None:
        """Add an element: mixed with words as a paragraph, short data as a line, all else under a heading."""
        if local_name(element) in _DRAWING:
            return
        children = [child for child in element if local_name(child)]
        if not children or _has_words_between(element):
            self._paragraph(element, is_leaf=not children)
        elif _is_record(element, children):
            self._lines.append(_record(element))
        else:
            self._container(element, children, level)

    def _paragraph(self, element: Any, *, is_leaf: bool) -> None:
        words = _words(element)
        if is_leaf and "<" in words and _MARKUP.search(words):
            self._flush()
            add_html(self._builder, "".join(element.itertext()))
            return
        line = " | ".join(_with_attributes(element, words))
        if " " in words:
            self._flush()
            self._builder.block(line)
        elif line:
            # A word or a number alone says little without the name of its element.
            self._lines.append(f"{local_name(element)}: {line}")

    def _container(self, element: Any, children: list[Any], level: int) -> None:
        title = next((child for child in children if local_name(child).lower() in _TITLES and not len(child)), None)
        words = _words(title) if title is not None else ""
        self._flush()
        if 0 < len(words) <= _LONGEST_TITLE:
            self._builder.heading(level, words)
            children.remove(title)
        else:
            self._builder.enter(level, local_name(element))
        self._lines.append(" | ".join(_attributes(element)))
        for child in children:
            self._enter(child, level=level + 1)
        self._flush()
        self._builder.leave(level)


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
    # Looked up one by one: lxml takes minutes to list the attributes of an element that has many thousands.
    for key in islice(element.attrib, _MOST_ATTRIBUTES):
        name, value = key.rpartition("}")[2], element.get(key)
        value = " ".join(value.split())
        if value and name not in _SILENT:
            yield f"{name}: {value}"


def _words(element: Any) -> str:
    """Return an element's words on one line; an entity of the document's own stays as it is written."""
    return " ".join("".join(element.itertext()).split())
