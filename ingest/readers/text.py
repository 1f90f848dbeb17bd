"""Read plain text, whatever its encoding."""

import codecs
import re

import chardet

from ingest.readers.sections import TextBuilder
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_SAMPLE_BYTES = 64 * 1024
_MOST_CONTROL = 0.02
# Scripts that fill the 16-bit codes of real text; what is no text, read as such codes, falls outside soon.
_WIDE_TEXT = re.compile("[\t\n\r\x20-\u1fff\u2000-\u27bf\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uffef]")
_LEAST_WIDE_TEXT = 0.95
_WIDE_MARKS = re.compile("[ \n\u3001\u3002\uff0c]")
_PRINTABLE = re.compile(rb"[\x20-\x7e]")
_MOST_PRINTABLE = 0.85
_SHORTEST_PIECE = 8
_JAPANESE_SHIFT = re.compile(rb"\x1b\$[@B]")
# Bytes that Windows-1252 uses for letters, quotes, dashes and signs of Western European text.
_WESTERN = frozenset([*range(0xC0, 0x100), *b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\xa3\xa7\xb0"])


def read_text(data: bytes, name: str) -> ExtractedText:
    """Read a text file as one section; blank lines part its paragraphs."""
    builder = TextBuilder()
    builder.block(decode(data, name))
    return builder.build()


def decode(data: bytes, name: str) -> str:
    """Return the bytes as text: by its byte order mark, else as UTF-8, else by what its encoding seems to be.

    Raises:
        ReadError: the bytes are no text.
    """
    text = _decode_marked(data, name)
    if text is None:
        text = _decode_unmarked(data, name)
    if not _is_clean(text):
        raise _no_text(name)
    return text


def seems_binary(data: bytes) -> bool:
    """Whether bytes are surely no text, in any encoding."""
    try:
        decode(data[: 2 * _SAMPLE_BYTES], "")
    except ReadError:
        return True
    return False


def _is_clean(text: str) -> bool:
    """Whether a text has but few characters that no text has."""
    controls = len(_CONTROL.findall(text))
    if controls <= _MOST_CONTROL * len(text):
        return True
    # Programs that stop halfway leave blocks of zeros in their logs, and some lists part their names by zeros.
    pieces = [piece for piece in text.split("\0") if piece]
    written = sum(map(len, pieces))
    return controls == len(text) - written and written >= _SHORTEST_PIECE * len(pieces) > 0


def _decode_marked(data: bytes, name: str) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding)
            except UnicodeDecodeError as error:
                if encoding == "utf-8":
                    return None
                raise ReadError(
                    f"{name} begins as {encoding.upper()} text but is damaged at byte {error.start}. "
                    "Save it again as UTF-8."
                ) from error
    return None


def _decode_unmarked(data: bytes, name: str) -> str:
    text = _as_utf8(data)
    if text is None:
        wide = _wide_encoding(data)
        if not wide and data.count(0) > _MOST_CONTROL * len(data):
            raise _no_text(name)
        text = data.decode(wide or _detected(data), errors="replace")
    return text


def _as_utf8(data: bytes) -> str | None:
    """Return UTF-8 text, be it damaged in a few places; None for any other encoding."""
    text = data.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    if damaged and sum(1 for _ in re.finditer("[^\x00-\x7f\ufffd]", text)) < 10 * damaged:
        return None
    return text if _is_clean(text) and not _JAPANESE_SHIFT.search(data[:_SAMPLE_BYTES]) else None


def _wide_encoding(data: bytes) -> str | None:
    """Tell UTF-16 without a mark by its spaces, line ends and full stops, a half of which no other text holds."""
    sample = data[: _SAMPLE_BYTES - _SAMPLE_BYTES % 2]
    # Two letters of ASCII are a letter of Chinese: text of single bytes must not be read two by two.
    if len(_PRINTABLE.findall(sample)) > _MOST_PRINTABLE * len(sample):
        return None
    found: dict[int, str] = {}
    for encoding in ("utf-16-le", "utf-16-be"):
        read = sample.decode(encoding, errors="replace")
        if len(_WIDE_TEXT.findall(read)) >= _LEAST_WIDE_TEXT * len(read):
            found[len(_WIDE_MARKS.findall(read))] = encoding
    return found[max(found)] if max(found, default=0) > 0 else None


def _detected(data: bytes) -> str:
    """Guess the encoding from the lines that are not plain ASCII: they alone tell encodings apart."""
    if _JAPANESE_SHIFT.search(data[:_SAMPLE_BYTES]):
        return "iso2022_jp"
    sample = b"\n".join(line for line in data[: 64 * _SAMPLE_BYTES].split(b"\n") if not line.isascii())
    sample = (sample or data)[:_SAMPLE_BYTES]
    encoding = chardet.detect(sample)["encoding"] or "cp1252"
    if encoding.lower() in ("ascii", "utf-8"):
        return "cp1252"
    # On a few words every 8-bit encoding fits; Western European is by far the likeliest where few letters are special.
    high = [byte for byte in sample if byte >= 0x80]
    if len(high) < len(sample) // 3 and _WESTERN.issuperset(high) and not _is_latin(sample.decode(encoding, "replace")):
        return "cp1252"
    return encoding


def _is_latin(text: str) -> bool:
    return not re.search("[\u0250-\u1dff\u2c00-\uffef]", text)


def _no_text(name: str) -> ReadError:
    return ReadError(f"{name} does not hold text (it looks like binary data). Remove it or list it in .ragignore.")
