"""Readers: from the bytes of a file to its text, with pages, headings and offsets.

Every reader takes the bytes and the name of a file, knows one format, and raises ReadError with the name, the
cause and the remedy when it cannot read it. A reader's module, and the libraries it needs, are loaded when the
first file of its format comes: most runs meet few formats, and each worker pays for what it loads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import PurePath

from ingest.readers.code import DEFINITIONS
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

Reader = Callable[[bytes, str], ExtractedText]

# Changed whenever readers learn something, so that files that they could not read are tried again.
READERS_VERSION = "2"


@dataclass(frozen=True, slots=True)
class LateReader:
    """The reader ``function`` of a module in this package, which is loaded at the first call."""

    module: str
    function: str

    def __call__(self, data: bytes, name: str) -> ExtractedText:
        read: Reader = getattr(import_module(f"{__name__}.{self.module}"), self.function)
        return read(data, name)


# What reads each format, by the key that ExtractedText.format carries.
FORMATS: dict[str, Reader] = {
    "text": LateReader("text", "read_text"),
    "markdown": LateReader("markdown", "read_markdown"),
    "html": LateReader("html", "read_html"),
    "pdf": LateReader("pdf", "read_pdf"),
    "docx": LateReader("docx", "read_docx"),
    "pptx": LateReader("pptx", "read_pptx"),
    **dict.fromkeys(("xlsx", "xlsb", "xls"), LateReader("sheets", "read_sheets")),
    "csv": LateReader("csv", "read_csv"),
    "code": LateReader("code", "read_code"),
}

# Which format a file of a suffix has, if its content does not tell otherwise.
SUFFIXES: dict[str, str] = {
    **dict.fromkeys((".txt", ".text", ".log", ".rst", ".json", ".yaml", ".yml", ".toml", ".ini"), "text"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".pdf": "pdf",
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), "docx"),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), "pptx"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm"), "xlsx"),
    ".xlsb": "xlsb",
    ".xls": "xls",
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".css", ".hs", *DEFINITIONS), "code"),
}

READERS: dict[str, Reader] = {suffix: FORMATS[key] for suffix, key in SUFFIXES.items()}


def read_document(data: bytes, name: str) -> ExtractedText:
    """Read a file's bytes with the reader of its suffix, or as plain text where none is known.

    Raises:
        ReadError: the file cannot be read, or there is no text in it.
    """
    if not data:
        raise ReadError(f"{name} is empty (0 bytes). Copy or save it again, or list it in .ragignore.")
    key = SUFFIXES.get(PurePath(name).suffix.lower(), "text")
    extracted = FORMATS[key](data, name)
    if not extracted.sections:
        raise ReadError(f"{name} has no text in it. Put its content into words, or list it in .ragignore.")
    return extracted if extracted.format else replace(extracted, format=key)
