"""Split a document for the embedder, a slice at a time, wherever it is done: in a reader process or in ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from ingest.chunking import fit_title, split_sections
from ingest.token_counts import CountTokens, LocateTokens
from ingest.wire import SplitText
from rag_app.records import ExtractedText, Section, Span

SPLITTING_VERSION = "1"
"""Grows when other chunks come out of the same text and sizes: documents are then split anew."""

SLICE_CHARACTERS = 500_000
"""Splitting takes some ten times the memory of the text, so a long text is split in pieces of about this size."""
_CUT_WITHIN = 20_000


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """How large chunks are: ``tokens`` with their headings, never more than the embedder's ``most``."""

    tokens: int
    overlap: int
    most: int


class Splitter:
    """Splits documents by the tokens of one embedder."""

    def __init__(
        self, sizes: ChunkSizes, *, count_tokens: CountTokens, locate_tokens: LocateTokens | None = None
    ) -> None:
        self._sizes = sizes
        self._count = count_tokens
        self._locate = locate_tokens

    def title(self, extracted: ExtractedText, name: str) -> str:
        """Return a document's title, or its name in words where it has none, short enough for its chunks."""
        tokens = min(self._sizes.tokens, self._sizes.most)
        return fit_title(extracted.title or title_of(name), chunk_tokens=tokens, count_tokens=self._count)

    def slices(self, extracted: ExtractedText, *, title: str) -> Iterator[tuple[Span, ...]]:
        """Yield the spans of a text, of some of its sections at a time."""
        for sections in _slices(extracted):
            yield split_sections(
                replace(extracted, sections=sections),
                chunk_tokens=self._sizes.tokens,
                overlap=self._sizes.overlap,
                max_tokens=self._sizes.most,
                count_tokens=self._count,
                locate_tokens=self._locate,
                title=title,
            )

    def split(self, extracted: ExtractedText, name: str) -> SplitText:
        """Split a whole document."""
        title = self.title(extracted, name)
        return SplitText(title, tuple(span for spans in self.slices(extracted, title=title) for span in spans))


def title_of(name: str) -> str:
    """Return a file's name as words, for a document that has no title of its own."""
    return PurePath(name).stem.replace("_", " ").replace("-", " ").strip() or name


def title_at(name: str, former: str, title: str, *, chunk_tokens: int) -> str:
    """Return the title of a document that was called ``former`` under another name.

    It is another one where the old one was made of the old name. A long one is shortened by a guess at its tokens:
    they cannot be counted without a model, which nothing else here needs.
    """
    made = title_of(former)
    if not title or not (made == title or (len(title) >= chunk_tokens // 4 and made.startswith(title))):
        return title
    return fit_title(title_of(name), chunk_tokens=chunk_tokens, count_tokens=lambda text: len(text) // 3)


def _slices(extracted: ExtractedText) -> Iterator[tuple[Section, ...]]:
    """Yield a text's sections in groups of a bounded size, with the longest of them cut."""
    group: list[Section] = []
    size = 0
    for section in extracted.sections:
        for part in _parts(extracted.text, section):
            if group and size + part.end - part.start > SLICE_CHARACTERS:
                yield tuple(group)
                group, size = [], 0
            group.append(part)
            size += part.end - part.start
    if group:
        yield tuple(group)


def _parts(text: str, section: Section) -> Sequence[Section]:
    """Cut a section that is longer than a slice: at the end of a paragraph or a line, or between words, if any."""
    parts = []
    start = section.start
    while section.end - start > SLICE_CHARACTERS:
        stop = start + SLICE_CHARACTERS
        ends = (text.rfind(mark, stop - _CUT_WITHIN, stop) + len(mark) for mark in ("\n\n", "\n", " "))
        stop = next((end for end in ends if end > stop - _CUT_WITHIN), stop)
        parts.append(replace(section, start=start, end=stop))
        start = stop
    parts.append(replace(section, start=start))
    return parts
