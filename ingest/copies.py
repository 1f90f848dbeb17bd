"""Files that have the content of a document, so that they need be neither read nor embedded again."""

from dataclasses import dataclass

from rag_app.errors import NotFound
from rag_app.library import Library
from rag_app.records import Document, NewDocument, Span


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that has the content of another document. Without its text: there may be thousands of copies."""

    name: str
    of: str
    path: str
    sha256: str


def document_of(library: Library, twin: Document) -> NewDocument | None:
    """Return a stored document as it was before it was stored; None if it is gone or is no longer what it was."""
    try:
        text, chunks = library.text(twin.id), library.chunks(twin.id)
        boxes = library.boxes(twin.id, 0, len(text))
        now = library.document(twin.id)
    except NotFound:
        return None
    # Another program may have stored it anew, even between the text and the chunks: they would not fit each other.
    if (now.version, now.reading) != (twin.version, twin.reading):
        return None
    return NewDocument(
        name=twin.name,
        path=twin.path,
        root=twin.root,
        sha256=twin.sha256,
        size=twin.size,
        mtime_ns=twin.mtime_ns,
        title=twin.title,
        text=text,
        pages=twin.pages,
        spans=tuple(Span(chunk.start, chunk.end, chunk.page, chunk.heading) for chunk in chunks),
        format=twin.format,
        boxes=tuple(boxes),
        notes=twin.notes,
        reading=twin.reading,
    )
