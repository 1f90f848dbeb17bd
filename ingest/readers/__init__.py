"""Readers: from the bytes of a file to its text, with pages, headings and offsets.

Every reader takes the bytes and the name of a file, knows one format, and raises ReadError with the name, the
cause and the remedy when it cannot read it.
"""

from collections.abc import Callable
from pathlib import PurePath

from ingest.readers.code import DEFINITIONS, read_code
from ingest.readers.csv import read_csv
from ingest.readers.docx import read_docx
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown
from ingest.readers.pdf import read_pdf
from ingest.readers.text import read_text
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

Reader = Callable[[bytes, str], ExtractedText]

READERS: dict[str, Reader] = {
    ".txt": read_text,
    ".text": read_text,
    ".log": read_text,
    ".rst": read_text,
    ".json": read_text,
    ".yaml": read_text,
    ".yml": read_text,
    ".toml": read_text,
    ".ini": read_text,
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".pdf": read_pdf,
    ".docx": read_docx,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".css": read_code,
    ".hs": read_code,
    **dict.fromkeys(DEFINITIONS, read_code),
}


def read_document(data: bytes, name: str) -> ExtractedText:
    """Read a file's bytes with the reader of its suffix, or as plain text where none is known.

    Raises:
        ReadError: the file cannot be read, or there is no text in it.
    """
    if not data:
        raise ReadError(f"{name} is empty (0 bytes). Copy or save it again, or list it in .ragignore.")
    extracted = READERS.get(PurePath(name).suffix.lower(), read_text)(data, name)
    if not extracted.sections:
        raise ReadError(f"{name} has no text in it. Put its content into words, or list it in .ragignore.")
    return extracted
