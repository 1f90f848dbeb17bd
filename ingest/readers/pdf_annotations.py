"""What stands on a PDF page beside its content: filled-in form fields, text boxes, stamps and comments."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from ingest.readers.pdf_lines import Frame, Line, Word, line_of_words
from ingest.readers.sections import clean

_FLATTENED = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP}
_COMMENTS = {
    pdfium.FPDF_ANNOT_TEXT,
    pdfium.FPDF_ANNOT_FREETEXT,
    pdfium.FPDF_ANNOT_HIGHLIGHT,
    pdfium.FPDF_ANNOT_UNDERLINE,
    pdfium.FPDF_ANNOT_STRIKEOUT,
    pdfium.FPDF_ANNOT_SQUIGGLY,
    pdfium.FPDF_ANNOT_CARET,
}
_MOST_ANNOTATIONS = 2_000
_WORDS_A_LINE = 12


def has_annotations(page: pypdfium2.PdfPage) -> bool:
    """Tell whether there is anything but links on the page beside its content."""
    return any(kind in _FLATTENED | _COMMENTS for _, kind in _annotations(page))


def flatten(page: pypdfium2.PdfPage) -> None:
    """Make what is shown of form fields, text boxes and stamps part of the content; the page must be loaded anew."""
    if any(kind in _FLATTENED for _, kind in _annotations(page)):
        pdfium.FPDFPage_Flatten(page.raw, pdfium.FLAT_NORMALDISPLAY)


def annotation_lines(page: pypdfium2.PdfPage, frame: Frame) -> list[Line]:
    """Return comments and the values of form fields as lines at the places of their marks."""
    lines: list[Line] = []
    form = page.pdf.formenv
    for annotation, kind in _annotations(page):
        text = ""
        if kind in _COMMENTS:
            text = _string(partial(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents"))
        elif kind == pdfium.FPDF_ANNOT_WIDGET and form:
            text = _field(form.raw, annotation)
        rectangle = pdfium.FS_RECTF()
        if text.strip() and pdfium.FPDFAnnot_GetRect(annotation, ctypes.byref(rectangle)):
            corners = (rectangle.left, rectangle.bottom, rectangle.right, rectangle.top)
            lines.extend(_lines(text, *frame.place(*corners)))
    return lines


def _field(form: object, annotation: object) -> str:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind not in (pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX, pdfium.FPDF_FORMFIELD_LISTBOX):
        return ""
    return _string(partial(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation))


def _lines(text: str, left: float, bottom: float, right: float, top: float) -> Iterator[Line]:
    words = [Word(word, left, right, True) for word in clean(text).split()]
    for start in range(0, len(words), _WORDS_A_LINE):
        yield line_of_words(words[start : start + _WORDS_A_LINE], bottom, top)


def _string(ask: Callable[..., int]) -> str:
    length = ask(None, 0)
    if length <= 2:
        return ""
    buffer = (ctypes.c_ushort * (length // 2 + 1))()
    ask(buffer, length)
    return bytes(buffer)[: length - 2].decode("utf-16-le", errors="replace")


def _annotations(page: pypdfium2.PdfPage) -> Iterator[tuple[object, int]]:
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MOST_ANNOTATIONS)):
        with _annotation(page, index) as annotation:
            if annotation:
                yield annotation, pdfium.FPDFAnnot_GetSubtype(annotation)


@contextmanager
def _annotation(page: pypdfium2.PdfPage, index: int) -> Iterator[object]:
    annotation = pdfium.FPDFPage_GetAnnot(page.raw, index)
    try:
        yield annotation
    finally:
        if annotation:
            pdfium.FPDFPage_CloseAnnot(annotation)
