"""Read plain text, whatever its encoding."""

import codecs
import re

from charset_normalizer import from_bytes

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
    if len(_CONTROL.findall(text)) > _MOST_CONTROL * len(text):
        raise _no_text(name)
    return text


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
    wide = _wide_encoding(data)
    if wide:
        try:
            return data.decode(wide)
        except UnicodeDecodeError as error:
            raise _no_text(name) from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data.count(0) > len(data) // 1000:
            raise _no_text(name) from error
    return _decode_detected(data, name)


def _wide_encoding(data: bytes) -> str | None:
    """Tell UTF-16 without a mark by its zero bytes, which all lie on the same side."""
    sample = data[:_SAMPLE_BYTES]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > len(sample) // 5 and even * 20 < odd:
        return "utf-16-le"
    if even > len(sample) // 5 and odd * 20 < even:
        return "utf-16-be"
    return None


def _decode_detected(data: bytes, name: str) -> str:
    forgiving = data.decode("utf-8", errors="replace")
    damaged = forgiving.count("\ufffd")
    intact = sum(1 for _ in re.finditer("[^\x00-\x7f\ufffd]", forgiving))
    if intact >= 10 * damaged:
        return forgiving
    for encoding in (*_detected(data), "cp1252"):
        try:
            return data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    raise ReadError(f"{name} is in a text encoding that could not be recognised. Save it again as UTF-8.")


def _detected(data: bytes) -> list[str]:
    """Guess encodings from the lines that are not plain ASCII: they alone tell encodings apart."""
    sample = b"\n".join(line for line in data[: 64 * _SAMPLE_BYTES].split(b"\n") if not line.isascii())
    encodings = [match.encoding for match in from_bytes(sample[:_SAMPLE_BYTES] or data[:_SAMPLE_BYTES])]
    # On a few words every 8-bit encoding fits; Western European is by far the likeliest.
    if len(sample) < 64 and not {"utf_8", "ascii"} & set(encodings):
        western = sum(
            1 for byte in sample if byte >= 0xC0 or byte in b"\x80\x85\x91\x92\x93\x94\x95\x96\x97\xa3\xa7\xb0"
        )
        if western == sum(1 for byte in sample if byte >= 0x80):
            return ["cp1252", *encodings]
    return encodings


def _no_text(name: str) -> ReadError:
    return ReadError(f"{name} does not hold text (it looks like binary data). Remove it or list it in .ragignore.")
