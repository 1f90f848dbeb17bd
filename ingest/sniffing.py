"""Tell from the first bytes of a file whether it is worth reading, where its suffix tells nothing."""

import codecs

from ingest.readers import FORMATS, SUFFIXES
from ingest.readers.kinds import SNIFFED_BYTES, sniff

__all__ = ["SNIFFED_BYTES", "readable"]

_LONGEST_CHARACTER = 4
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def readable(suffix: str, first_bytes: bytes) -> bool:
    """Whether a file is read: by its suffix, or else because it begins like a format that is read or like text.

    ``first_bytes`` are its first SNIFFED_BYTES. Archives of unknown suffix are left alone: they are programs and
    packages, which nobody wants to ask questions about.
    """
    if suffix.lower() in SUFFIXES:
        return True
    kind = sniff(first_bytes)
    if kind is not None:
        return kind.format in FORMATS and kind.format != "zip"
    return _begins_like_text(first_bytes)


def _begins_like_text(start: bytes) -> bool:
    """Whether this is UTF-8 text, or marked as UTF-16; other encodings are not told from binary data by so little."""
    if start.startswith(_MARKS):
        return True
    if not start or b"\0" in start:
        return False
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # The sample may end within a character.
        return len(start) >= SNIFFED_BYTES and error.start > len(start) - _LONGEST_CHARACTER
    return True
