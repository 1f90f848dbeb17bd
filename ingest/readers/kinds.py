"""Tell what a file is by what it begins with and what is packed in it, whatever its name says."""

import io
import re
import zipfile
from dataclasses import dataclass

from ingest.readers.text import seems_binary
from ingest.readers.zipped import DAMAGE

SNIFFED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: ``format`` is the key of its reader ("" if there is none), ``label`` its name for people."""

    format: str
    label: str


# Marks at a fixed place (offset, mark). The first that fits counts, so longer marks stand before shorter ones.
_MARKS: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"{\\rtf", Kind("rtf", "an RTF document")),
    (0, b"\x89PNG\r\n\x1a\n", Kind("image", "a PNG image")),
    (0, b"\xff\xd8\xff", Kind("image", "a JPEG image")),
    (0, b"GIF87a", Kind("image", "a GIF image")),
    (0, b"GIF89a", Kind("image", "a GIF image")),
    (0, b"II*\0", Kind("image", "a TIFF image")),
    (0, b"MM\0*", Kind("image", "a TIFF image")),
    (8, b"WEBP", Kind("image", "a WebP image")),
    (4, b"ftypheic", Kind("", "a HEIC image")),
    (4, b"ftypavif", Kind("", "an AVIF image")),
    (4, b"ftyp", Kind("", "a video or sound recording (MP4)")),
    (0, b"8BPS", Kind("", "a Photoshop image")),
    (0, b"\x1f\x8b", Kind("", "a gzip archive")),
    (0, b"BZh", Kind("", "a bzip2 archive")),
    (0, b"\xfd7zXZ\0", Kind("", "an xz archive")),
    (0, b"\x28\xb5\x2f\xfd", Kind("", "a Zstandard archive")),
    (0, b"7z\xbc\xaf\x27\x1c", Kind("", "a 7z archive")),
    (0, b"Rar!\x1a\x07", Kind("", "a RAR archive")),
    (257, b"ustar", Kind("", "a tar archive")),
    (0, b"SQLite format 3\0", Kind("", "an SQLite database")),
    (0, b"\x7fELF", Kind("", "a program (ELF)")),
    (0, b"\xca\xfe\xba\xbe", Kind("", "a program (Java class or Mach-O)")),
    (0, b"\xcf\xfa\xed\xfe", Kind("", "a program (Mach-O)")),
    (0, b"\0asm", Kind("", "a WebAssembly program")),
    (0, b"ID3", Kind("", "a sound recording (MP3)")),
    (0, b"OggS", Kind("", "a sound recording or video (Ogg)")),
    (0, b"fLaC", Kind("", "a sound recording (FLAC)")),
    (8, b"WAVE", Kind("", "a sound recording (WAV)")),
    (8, b"AVI ", Kind("", "a video (AVI)")),
    (0, b"\x1aE\xdf\xa3", Kind("", "a video (Matroska or WebM)")),
    (0, b"wOFF", Kind("", "a font")),
    (0, b"wOF2", Kind("", "a font")),
    (0, b"OTTO", Kind("", "a font")),
    (0, b"\0\1\0\0\0", Kind("", "a font")),
    (0, b"PAR1", Kind("", "a Parquet table")),
    (0, b"\x93NUMPY", Kind("", "a NumPy array")),
    (0, b"\x89HDF\r\n\x1a\n", Kind("", "an HDF5 file")),
    (0, b"GGUF", Kind("", "model weights (GGUF)")),
    (0, b"!<arch>\n", Kind("", "a program library or Debian package")),
    (0, b"MZ\x90", Kind("", "a program (Windows)")),
)
_PDF = Kind("pdf", "a PDF")
_ZIP = Kind("zip", "a zip archive")
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# The streams that tell what an OLE2 file is, by the names in its directory (UTF-16, filled up with zeros).
_OLE2_KINDS = (
    ("EncryptedPackage\0\0", Kind("", "a password-protected Office document")),
    ("WordDocument\0\0", Kind("doc", "a Word document in the old .doc format")),
    ("Workbook\0\0", Kind("xls", "an Excel workbook in the old .xls format")),
    ("Book\0\0", Kind("xls", "an Excel workbook in the old .xls format")),
    ("PowerPoint Document\0\0", Kind("ppt", "a presentation in the old .ppt format")),
    ("__substg1.0_", Kind("", "an Outlook message (.msg)")),
)
_OLE2_OTHER = Kind("", "a file in an old Office format (OLE2)")
_PACKED = (
    ("word/", Kind("docx", "a Word document")),
    ("ppt/", Kind("pptx", "a PowerPoint presentation")),
    ("xl/workbook.bin", Kind("xlsb", "an Excel workbook (.xlsb)")),
    ("xl/", Kind("xlsx", "an Excel workbook")),
)
_PACKED_MIME = (
    (b"application/vnd.oasis.opendocument.text", Kind("odt", "an OpenDocument text")),
    (b"application/vnd.oasis.opendocument.spreadsheet", Kind("ods", "an OpenDocument spreadsheet")),
    (b"application/vnd.oasis.opendocument.presentation", Kind("odp", "an OpenDocument presentation")),
    (b"application/epub+zip", Kind("epub", "an EPUB book")),
)
_MOST_LISTED = 20_000
# A comment ends at its first mark of an end, whatever follows: to try the later ones takes twice as long with each.
_HTML = re.compile(rb"(?:<\?xml[^>]{0,200}>\s*)?(?><!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S)
_XML = re.compile(rb"<\?xml\s|<!DOCTYPE\s+\w")
_MAIL_FIELD = (
    rb"(?:return-path|received|delivered-to|message-id|mime-version|from|to|subject|date|x-[\w-]+|cc|reply-to|"
    rb"content-type|dkim-signature|arc-[\w-]+|authentication-results|sender|in-reply-to|references)"
)
_MAIL = re.compile(rb"(?:" + _MAIL_FIELD + rb":[^\n]*\n(?:[ \t][^\n]*\n)*){3}", re.IGNORECASE)
_MAIL_OWN = re.compile(rb"^(?:received|message-id|return-path|mime-version):", re.IGNORECASE | re.MULTILINE)
_MAILBOX = re.compile(rb"From \S[^\n]{0,200} \d\d:\d\d[^\n]{0,40}\n[\w-]+:")


# What a name that says otherwise may still be right about: any of these may begin like a file of another kind.
_TEXT_FORMATS = {"html", "xml", "mbox", "eml", "subtitles"}
_MARKED = {"pdf", "rtf", "zip", "doc", "xls", "ppt"}
# These are zip files, so that a damaged one may look like any archive.
_ZIPPED = {kind.format for _, kind in (*_PACKED, *_PACKED_MIME)}
_OFFICE = _ZIPPED | {"doc", "xls", "ppt", "rtf"}
_OLD_OFFICE = {"doc", "xls", "rtf"}


def choose_format(data: bytes, named: str | None) -> tuple[str, Kind | None]:
    """Return the format to read a file as, and its kind where its content contradicts ``named``.

    ``named`` is the format that the file's suffix promises, None for an unknown suffix. The returned format is ""
    where the content is of a kind that is not read.
    """
    kind = sniff(data)
    if kind and kind.format not in _TEXT_FORMATS | _MARKED | _ZIPPED and not seems_binary(data):
        kind = None  # words that begin like a mark
    if kind is None:
        return _format_of_text(data, named)
    if kind.format == named or (kind.format == "zip" and named in _ZIPPED):
        return kind.format if kind.format == named else str(named), None
    if kind.format in _TEXT_FORMATS and named is not None and named not in _OFFICE | {"text", "csv", "xml", "pdf"}:
        return named, None
    return kind.format, kind


def _format_of_text(data: bytes, named: str | None) -> tuple[str, Kind | None]:
    """Choose for what gives nothing away: programs save tables as .xls and words as .doc that are plain text."""
    if named is None:
        return "text", None
    if named in _OLD_OFFICE and not seems_binary(data):
        return ("csv", Kind("csv", "a table in plain text")) if named == "xls" else ("text", Kind("text", "plain text"))
    return named, None


def sniff(data: bytes) -> Kind | None:
    """Return the kind of a file that its content gives away; None if it may be any text, or is unknown."""
    head = data[:SNIFFED_BYTES]
    if b"%PDF-" in head[:1024]:
        return _PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    if head.startswith(_OLE2):
        return _ole2_kind(data)
    for offset, mark, kind in _MARKS:
        if head.startswith(mark, offset):
            return kind
    return _text_kind(head)


def _zip_kind(data: bytes) -> Kind:
    """Look at the names packed in a zip file; of its beginning alone, only the first ones can be seen."""
    for mime, kind in _PACKED_MIME:
        if mime in data[30:200]:
            return kind
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:_MOST_LISTED]
    except DAMAGE:
        # Damaged, or only its beginning: the names of the first members stand between them.
        if b"[Content_Types].xml" not in data[:SNIFFED_BYTES]:
            return _ZIP
        names = [folder for folder, _ in _PACKED if folder.encode() in data]
        names.append("[Content_Types].xml")
    if "[Content_Types].xml" not in names:
        return _ZIP
    return next((kind for folder, kind in _PACKED if any(name.startswith(folder) for name in names)), _ZIP)


def _ole2_kind(data: bytes) -> Kind:
    for stream, kind in _OLE2_KINDS:
        if stream.encode("utf-16-le") in data:
            return kind
    return _OLE2_OTHER


def _text_kind(head: bytes) -> Kind | None:
    """Tell the formats of text whose beginning leaves no doubt."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _HTML.match(text):
        return Kind("html", "a web page")
    if _XML.match(text):
        return Kind("xml", "an XML document")
    if _MAILBOX.match(text):
        return Kind("mbox", "a mailbox")
    if _MAIL.match(text) and _MAIL_OWN.search(text):
        return Kind("eml", "a mail")
    if text.startswith(b"WEBVTT"):
        return Kind("subtitles", "subtitles")
    return None
