"""Read Word documents in the old binary format (.doc, Word 97 to 2003): headings, paragraphs, tables and notes."""

import struct

from ingest.readers.doc_blocks import add_blocks
from ingest.readers.doc_format import Binary
from ingest.readers.doc_streams import DAMAGE, open_streams
from ingest.readers.ole import is_locked
from ingest.readers.sections import TextBuilder
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_REMEDY = "Open it in Word or LibreOffice, save it as .docx, and ingest that."


def read_doc(data: bytes, name: str) -> ExtractedText:
    """Read a document; the numbers of its lists are not kept, and hidden and deleted words are left out."""
    if is_locked(data):
        raise ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")
    builder = TextBuilder()
    try:
        streams = open_streams(data)
        binary = Binary(streams)
        if not (binary.encrypted or binary.too_old):
            add_blocks(builder, binary)
    except (*DAMAGE, struct.error) as error:
        raise ReadError(f"{name} is damaged or no Word document ({error}). {_REMEDY}") from error
    if binary.too_old:
        raise ReadError(f"{name} was written by Word 95 or an older one. {_REMEDY}")
    if binary.encrypted:
        raise ReadError(f"{name} is password-protected. Remove the password, and ingest it again.")
    if builder.empty:
        raise ReadError(f"{name} has no words in it. Put its content into words, or list it in .ragignore.")
    return builder.build(title=streams.title)
