"""Read PowerPoint decks: each slide is a page under its title, with bullets, tables, charts and notes."""

import io
import re
from collections.abc import Iterable
from typing import Any

from lxml.etree import XMLSyntaxError  # type: ignore[import-untyped]
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.oxml.ns import qn
from pptx.package import Package
from pptx.presentation import Presentation
from pptx.shapes.group import GroupShape
from pptx.shapes.picture import Picture

from ingest.readers.pptx_graphics import add_chart, add_diagram, add_table
from ingest.readers.reading_order import in_reading_order
from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.zipped import Zipped
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_WHAT = "PowerPoint deck"
_REMEDY = "Open it in PowerPoint, save it again as .pptx and ingest it."
_COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATHEMATICS = "{http://schemas.openxmlformats.org/officeDocument/2006/math}t"
# What python-pptx raises on parts that are missing or are not what their type promises.
_DAMAGE = (PythonPptxError, XMLSyntaxError, LookupError, ValueError, TypeError, AttributeError, NotImplementedError)
_MARGINALIA = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER}
_BULLETED = {PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT}
# What PowerPoint enters where the author gives no title.
_NO_TITLES = {"PowerPoint Presentation", "PowerPoint-Präsentation", "Présentation PowerPoint"}
_DEEPEST_GROUP = 20
# Shapes whose upper edges differ by less than this (a quarter of an inch, in EMU) stand side by side.
_SAME_ROW = 228_600
_FILE_NAME = re.compile(r"\S+\.\w{2,4}")


def read_pptx(data: bytes, name: str) -> ExtractedText:
    """Read a deck (.pptx, .pptm, .ppsx, .potx); hidden slides are kept and named as such."""
    Zipped(data, name, what=_WHAT, remedy=_REMEDY).check()
    try:
        presentation = _open(data, name)
        builder = TextBuilder()
        slides = list(presentation.slides)
        for number, slide in enumerate(slides, start=1):
            builder.turn_page(number)
            _add_slide(builder, slide, number)
        title = presentation.core_properties.title
        title = None if title in _NO_TITLES else title
    except _DAMAGE as error:
        raise ReadError(f"{name} is damaged or no {_WHAT} ({error}). {_REMEDY}") from error
    if builder.empty:
        raise ReadError(f"{name} has {len(slides)} slides and no text on them. If they are pictures, save it as PDF.")
    return builder.build(title=title or _first_title(slides), pages=len(slides))


def _open(data: bytes, name: str) -> Presentation:
    # Not pptx.Presentation, which refuses templates and shows (.potx, .ppsx).
    part = Package.open(io.BytesIO(data)).main_document_part
    presentation = getattr(part, "presentation", None)
    if not isinstance(presentation, Presentation):
        raise ReadError(f"{name} is no {_WHAT}, but {part.content_type}. {_REMEDY}")
    return presentation


def _add_slide(builder: TextBuilder, slide: Any, number: int) -> None:
    """Add a slide; what is damaged on it costs no other slide."""
    try:
        _Slide(builder, slide).add(number)
    except _DAMAGE as error:
        builder.note(f"slide {number} could not be read to its end ({error})")


def _first_title(slides: list[Any]) -> str | None:
    title = slides[0].shapes.title
    return one_line(" ".join(_paragraphs(title._element))) if title is not None else None


class _Slide:
    """One pass over the shapes of a slide."""

    def __init__(self, builder: TextBuilder, slide: Any) -> None:
        self._builder = builder
        self._slide = slide
        self._pictures = 0

    def add(self, number: int) -> None:
        _choose_alternatives(self._slide.shapes._spTree)
        title = self._slide.shapes.title
        words = one_line(" ".join(_paragraphs(title._element))) if title is not None else ""
        hidden = " (hidden slide)" if self._slide._element.get("show") in ("0", "false") else ""
        if words:
            self._builder.heading(1, words + hidden)
        else:
            self._builder.enter(1, f"Slide {number}{hidden}")
        self._shapes((s for s in self._slide.shapes if title is None or s.shape_id != title.shape_id), depth=0)
        if self._slide.has_notes_slide:
            self._notes()
        if self._pictures:
            self._builder.note(f"slide {number}: {self._pictures} pictures without a description")

    def _shapes(self, shapes: Iterable[Any], *, depth: int) -> None:
        for shape in _sorted(shapes):
            if isinstance(shape, GroupShape):
                if depth < _DEEPEST_GROUP:
                    self._shapes(shape.shapes, depth=depth + 1)
            elif isinstance(shape, Picture):
                self._picture(shape)
            elif getattr(shape, "has_table", False):
                add_table(self._builder, shape.table)
            elif getattr(shape, "has_chart", False):
                add_chart(self._builder, shape.chart)
            elif shape.has_text_frame:
                self._text(shape)
            else:
                add_diagram(self._builder, shape, self._slide.part)

    def _text(self, shape: Any) -> None:
        kind = shape.placeholder_format.type if shape.is_placeholder else None
        if kind in _MARGINALIA:
            return
        if kind in (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE):
            self._builder.heading(2, " ".join(_paragraphs(shape._element)))
            return
        paragraphs = [p for p in shape._element.iter(qn("a:p")) if _words(p).strip()]
        listed = kind in _BULLETED and len(paragraphs) > 1
        numbers: dict[int, int] = {}
        gap = "\n\n"
        for paragraph in paragraphs:
            marker = _marker(paragraph, listed=listed, numbers=numbers)
            self._builder.block(marker + _words(paragraph).strip(), gap=gap if marker else "\n\n")
            gap = "\n" if marker else "\n\n"

    def _picture(self, picture: Any) -> None:
        words = picture._element.xpath("string(p:nvPicPr/p:cNvPr/@descr)").strip()
        if words and not _FILE_NAME.fullmatch(words):
            self._builder.block(f"Picture: {one_line(words)}")
        else:
            self._pictures += 1

    def _notes(self) -> None:
        frame = self._slide.notes_slide.notes_text_frame
        paragraphs = [words for words in _paragraphs(frame._element) if words.strip()] if frame is not None else []
        if paragraphs:
            self._builder.heading(2, "Notes")
            for words in paragraphs:
                self._builder.block(words)


def _choose_alternatives(tree: Any) -> None:
    """Put the first choice in the place of alternatives, such as a text box with an equation and its picture."""
    for alternatives in list(tree.iter(f"{_COMPATIBILITY}AlternateContent")):
        choice = alternatives.find(f"{_COMPATIBILITY}Choice")
        parent = alternatives.getparent()
        place = parent.index(alternatives)
        parent[place : place + 1] = list(choice) if choice is not None else []


def _sorted(shapes: Iterable[Any]) -> list[Any]:
    """Return shapes in reading order; those without a place keep their order at the end."""
    known = [(shape.top, shape) for shape in shapes]
    placed = [(float(top), float(shape.left or 0), shape) for top, shape in known if top is not None]
    return in_reading_order(placed, same_row=_SAME_ROW) + [shape for top, shape in known if top is None]


def _paragraphs(element: Any) -> list[str]:
    return [_words(paragraph) for paragraph in element.iter(qn("a:p"))]


def _words(paragraph: Any) -> str:
    elements = paragraph.iter(qn("a:t"), qn("a:br"), qn("a:tab"), _MATHEMATICS)
    return "".join(" " if element.tag in (qn("a:br"), qn("a:tab")) else element.text or "" for element in elements)


def _marker(paragraph: Any, *, listed: bool, numbers: dict[int, int]) -> str:
    """Return the list mark of a paragraph; ``numbers`` counts the numbered items of each level."""
    properties = paragraph.find(qn("a:pPr"))
    level = 0
    kinds: set[str] = set()
    if properties is not None:
        level = min(int(properties.get("lvl") or 0), 8)
        kinds = {child.tag for child in properties if isinstance(child.tag, str)}
    for deeper in [known for known in numbers if known > level]:
        del numbers[deeper]
    if qn("a:buAutoNum") in kinds:
        numbers[level] = numbers.get(level, 0) + 1
        return f"{'  ' * level}{numbers[level]}. "
    if qn("a:buNone") in kinds or not (listed or kinds & {qn("a:buChar"), qn("a:buBlip")}):
        return ""
    return "  " * level + "- "
