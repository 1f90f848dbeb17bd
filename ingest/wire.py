"""What a reader process and its master say to each other: messages of JSON, each after its length.

A request is one line of JSON. A reply is a message with the file's hash, size and time and, if it was read, its text;
then come messages with its spans, until one has no ``more``. Before the reply, the reader may ask for more ``seconds``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

from rag_app.records import ExtractedText, Section, Span, TextBox

LENGTH_BYTES = 8

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SplitText:
    """A document's title, shortened to fit into its chunks, and the spans to embed."""

    title: str
    spans: tuple[Span, ...]


def write_message(pipe: IO[bytes], message: Message) -> None:
    """Write a message and send it off."""
    data = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    pipe.write(len(data).to_bytes(LENGTH_BYTES, "big"))
    pipe.write(data)
    pipe.flush()


def read_length(pipe: IO[bytes], *, limit: int) -> int:
    """Read how many bytes the next message has.

    Raises:
        EOFError: the other side is gone.
        ValueError: it has more than ``limit``.
    """
    length = int.from_bytes(_exactly(pipe, LENGTH_BYTES), "big")
    if length > limit:
        raise ValueError(f"a message of {length} bytes")
    return length


def read_message(pipe: IO[bytes], length: int) -> Message:
    """Read a message of so many bytes.

    Raises:
        EOFError: the other side is gone.
        ValueError: it is no message.
    """
    message: Message = json.loads(_exactly(pipe, length).decode("utf-8", "surrogatepass"))
    return message


def text_message(extracted: ExtractedText) -> Message:
    """Return what a reader took out of a file as a message."""
    boxes = [(b.start, b.end, b.page, b.left, b.top, b.right, b.bottom) for b in extracted.boxes]
    return {
        "text": extracted.text,
        "sections": [(s.start, s.end, s.page, s.heading) for s in extracted.sections],
        "pages": extracted.pages,
        "title": extracted.title,
        "format": extracted.format,
        "boxes": boxes,
        "notes": extracted.notes,
    }


def text_of(message: Message) -> ExtractedText:
    """Return the text that a message carries."""
    return ExtractedText(
        text=message["text"],
        sections=tuple(Section(*section) for section in message["sections"]),
        pages=message["pages"],
        title=message["title"],
        format=message["format"],
        boxes=tuple(TextBox(*box) for box in message["boxes"]),
        notes=tuple(message["notes"]),
    )


def span_messages(title: str, slices: Iterator[Sequence[Span]]) -> Iterator[Message]:
    """Yield the spans of a document as messages, a slice at a time."""
    for spans in slices:
        yield {"spans": [(s.start, s.end, s.page, s.heading) for s in spans], "more": True}
    yield {"split_title": title, "spans": [], "more": False}


def split_of(messages: Sequence[Message]) -> SplitText:
    """Return the spans that messages carry, the last of which has the title."""
    spans = tuple(Span(*span) for message in messages for span in message["spans"])
    return SplitText(messages[-1]["split_title"], spans)


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
