"""Read the files inside a file: members of an archive, attachments of a mail."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from ingest.readers.sections import TextBuilder
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

# What parsers raise on content that no reader foresaw. A file of its own would cost only itself; inside another
# file, it must not cost the others.
_READER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
MOST_DEPTH = 2
MOST_FILES = 5_000
MOST_BYTES = 400 * 2**20


@dataclass(slots=True)
class Budget:
    """What may still be read inside one file. All that lies in it, at any depth, draws on the same budget."""

    files: int = MOST_FILES
    bytes: int = MOST_BYTES


@dataclass(frozen=True, slots=True)
class Nesting:
    """How a reader reads what its file holds: ``read`` is the door for everything, ``depth`` how deep we are."""

    read: "Callable[[bytes, str, Nesting], ExtractedText]"
    depth: int = 0
    budget: Budget = dataclass_field(default_factory=Budget)

    def add(self, builder: TextBuilder, data: bytes, name: str, *, level: int) -> bool:
        """Add the text of a file inside under the heading ``name``; what cannot be read becomes a note.

        Returns whether any text was added.
        """
        if self.depth >= MOST_DEPTH:
            builder.note(f"left out: {name} is nested more than {MOST_DEPTH} deep")
            return False
        self.budget.files -= 1
        self.budget.bytes -= len(data)
        if self.budget.files < 0 or self.budget.bytes < 0:
            builder.note(f"what comes after {MOST_FILES:,} files or {MOST_BYTES // 2**20} MB inside was left out")
            return False
        try:
            extracted = self.read(data, name, Nesting(self.read, self.depth + 1, self.budget))
        except ReadError as error:
            builder.note(f"left out: {error}")
            return False
        except _READER_ERRORS as error:
            builder.note(f"left out: {name} is damaged ({type(error).__name__}: {error})")
            return False
        builder.enter(level, name)
        add_extracted(builder, extracted, level=level + 1)
        for note in extracted.notes:
            builder.note(f"{name}: {note}")
        return True


def add_extracted(builder: TextBuilder, extracted: ExtractedText, *, level: int) -> None:
    """Add a document's sections, with their pages, and their headings from ``level`` on."""
    for section in extracted.sections:
        builder.turn_page(section.page)
        builder.leave(level)
        for depth, heading in enumerate(filter(None, (section.heading or "").split(" > "))):
            builder.enter(level + depth, heading)
        builder.block(extracted.text[section.start : section.end])
    builder.turn_page(None)
