"""Readers: from the bytes of a file to its text, with pages, headings and offsets.

Every reader takes the bytes and the name of a file, knows one format, and raises ReadError with the name, the
cause and the remedy when it cannot read it. A reader's module, and the libraries it needs, are loaded when the
first file of its format comes: most runs meet few formats, and each worker pays for what it loads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import PurePath

from ingest.readers.code import DEFINITIONS, LANGUAGES
from ingest.readers.kinds import choose_format
from ingest.readers.nesting import Nesting
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

Reader = Callable[..., ExtractedText]

# Changed whenever readers learn something, so that files that they could not read are tried again.
READERS_VERSION = "3"


@dataclass(frozen=True, slots=True)
class LateReader:
    """The reader ``function`` of a module in this package, which is loaded at the first call."""

    module: str
    function: str

    def __call__(self, data: bytes, name: str, *nesting: Nesting) -> ExtractedText:
        read: Reader = getattr(import_module(f"{__name__}.{self.module}"), self.function)
        return read(data, name, *nesting)


# What reads each format, by the key that ExtractedText.format carries.
FORMATS: dict[str, Reader] = {
    "text": LateReader("text", "read_text"),
    "markdown": LateReader("markdown", "read_markdown"),
    "html": LateReader("html", "read_html"),
    "pdf": LateReader("pdf", "read_pdf"),
    "image": LateReader("images", "read_image"),
    "docx": LateReader("docx", "read_docx"),
    "pptx": LateReader("pptx", "read_pptx"),
    **dict.fromkeys(("xlsx", "xlsb", "xls"), LateReader("sheets", "read_sheets")),
    **dict.fromkeys(("odt", "ods", "odp", "fodf"), LateReader("odf", "read_odf")),
    "rtf": LateReader("rtf", "read_rtf"),
    "epub": LateReader("epub", "read_epub"),
    "doc": LateReader("doc", "read_doc"),
    "ppt": LateReader("ppt", "read_ppt"),
    "csv": LateReader("csv", "read_csv"),
    "code": LateReader("code", "read_code"),
    "json": LateReader("structured", "read_json"),
    "jsonl": LateReader("structured", "read_json_lines"),
    "xml": LateReader("xml", "read_xml"),
    "rst": LateReader("rst", "read_rst"),
    "ipynb": LateReader("notebook", "read_notebook"),
    "subtitles": LateReader("subtitles", "read_subtitles"),
    "eml": LateReader("mail", "read_mail"),
    "mbox": LateReader("mail", "read_mailbox"),
    "zip": LateReader("archive", "read_zip"),
}

# Formats that hold files of any format; their readers are handed the means to read those, within limits.
CONTAINERS = {"eml", "mbox", "zip"}

# Which format a file of a suffix has, if its content does not tell otherwise.
SUFFIXES: dict[str, str] = {
    **dict.fromkeys((".txt", ".text", ".log", ".yaml", ".yml", ".toml", ".ini"), "text"),
    **dict.fromkeys((".md", ".markdown"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".pdf": "pdf",
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"), "image"),
    **dict.fromkeys((".docx", ".docm", ".dotx", ".dotm"), "docx"),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"), "pptx"),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx", ".xltm"), "xlsx"),
    ".xlsb": "xlsb",
    ".xls": "xls",
    **dict.fromkeys((".odt", ".ott"), "odt"),
    **dict.fromkeys((".ods", ".ots"), "ods"),
    **dict.fromkeys((".odp", ".otp"), "odp"),
    **dict.fromkeys((".fodt", ".fods", ".fodp"), "fodf"),
    ".rtf": "rtf",
    ".epub": "epub",
    **dict.fromkeys((".doc", ".dot"), "doc"),
    **dict.fromkeys((".ppt", ".pps", ".pot"), "ppt"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".json", ".geojson"), "json"),
    **dict.fromkeys((".jsonl", ".ndjson"), "jsonl"),
    **dict.fromkeys((".xml", ".rss", ".atom", ".xsd", ".svg"), "xml"),
    **dict.fromkeys((".rst", ".rest"), "rst"),
    ".ipynb": "ipynb",
    **dict.fromkeys((".srt", ".vtt", ".ass", ".ssa", ".sbv"), "subtitles"),
    ".eml": "eml",
    **dict.fromkeys((".mbox", ".mbx"), "mbox"),
    ".zip": "zip",
    **dict.fromkeys((".css", *LANGUAGES, *DEFINITIONS), "code"),
}

READERS: dict[str, Reader] = {suffix: FORMATS[key] for suffix, key in SUFFIXES.items()}


def read_document(data: bytes, name: str) -> ExtractedText:
    """Read a file's bytes as what they are: by their content where that leaves no doubt, else by the name's suffix.

    Raises:
        ReadError: the file cannot be read, or there is no text in it.
    """
    return _read(data, name, Nesting(_read))


def _read(data: bytes, name: str, nesting: Nesting) -> ExtractedText:
    if not data:
        raise ReadError(f"{name} is empty (0 bytes). Copy or save it again, or list it in .ragignore.")
    suffix = PurePath(name).suffix.lower()
    key, kind = choose_format(data, SUFFIXES.get(suffix))
    if key not in FORMATS:
        raise ReadError(
            f"{name} is {kind.label if kind else 'of an unknown kind'}, which is not read. "
            "Save its content in another format, or list it in .ragignore."
        )
    reader = FORMATS[key]
    try:
        extracted = reader(data, name, nesting) if key in CONTAINERS else reader(data, name)
    except RecursionError as error:
        raise ReadError(f"{name} is too deeply nested to be read. Save it as plain text.") from error
    if not extracted.sections:
        raise ReadError(f"{name} has no text in it. Put its content into words, or list it in .ragignore.")
    notes = extracted.notes
    if kind and suffix in SUFFIXES:
        notes = (f"read as {kind.label}, which its content is, although its name ends in {suffix}", *notes)
    return replace(extracted, format=extracted.format or key, notes=notes)
