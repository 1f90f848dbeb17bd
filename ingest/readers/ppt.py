"""Read presentations in the old binary format (.ppt, PowerPoint 97 to 2003): each slide is a page under its title."""

import struct

from ingest.readers.doc_streams import DAMAGE, open_streams
from ingest.readers.ole import OLE_MARK, is_locked
from ingest.readers.ppt_format import NOTES_KIND, TITLE_KINDS, Deck, Slide
from ingest.readers.sections import TextBuilder, one_line
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_REMEDY = "Open it in PowerPoint or LibreOffice, save it as .pptx, and ingest that."
# What programs enter where the author gives no title.
_NO_TITLES = {"PowerPoint Presentation", "PowerPoint-Präsentation", "Présentation PowerPoint", "Slide 1"}
# Stands for a number or a date that PowerPoint fills in.
_FIELD = "*"


def read_ppt(data: bytes, name: str) -> ExtractedText:
    """Read a presentation; tables are told cell by cell, and charts and pictures are left out."""
    if is_locked(data):
        raise ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")
    if not data.startswith(OLE_MARK):
        raise ReadError(f"{name} is damaged or no Office document. {_REMEDY}")
    try:
        streams = open_streams(data)
        deck = Deck(streams.by_name["PowerPoint Document"], streams.by_name["Current User"])
    except (*DAMAGE, struct.error) as error:
        cause = "a part of it is missing" if isinstance(error, LookupError) else error
        raise ReadError(f"{name} is damaged or no PowerPoint deck ({cause}). {_REMEDY}") from error
    if deck.encrypted:
        raise ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")
    builder = TextBuilder()
    for number, slide in enumerate(deck.slides, start=1):
        builder.turn_page(number)
        _add_slide(builder, slide, number)
    for number in deck.damaged:
        builder.note(f"slide {number} could not be read to its end")
    if builder.empty:
        raise ReadError(
            f"{name} has {len(deck.slides)} slides and no text on them. If they are pictures, save it as PDF."
        )
    title = None if streams.title in _NO_TITLES else streams.title
    return builder.build(title=title or _title(deck.slides[0]), pages=len(deck.slides))


def _title(slide: Slide) -> str:
    return next((one_line(text.words) for text in slide.texts if text.kind in TITLE_KINDS and text.words.strip()), "")


def _add_slide(builder: TextBuilder, slide: Slide, number: int) -> None:
    hidden = " (hidden slide)" if slide.hidden else ""
    title = _title(slide)
    if title:
        builder.heading(1, title + hidden)
    else:
        builder.enter(1, f"Slide {number}{hidden}")
    for text in slide.texts:
        if one_line(text.words) not in (title, _FIELD, ""):
            # A paragraph ends with a carriage return, a line within it with a vertical tab.
            builder.block(text.words)
    notes = [text.words for text in slide.notes if text.kind == NOTES_KIND and text.words.strip()]
    if notes:
        builder.heading(2, "Notes")
        for words in notes:
            builder.block(words)
