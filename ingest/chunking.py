"""Split sections into spans that are small enough to embed.

A span never crosses a section, so it never crosses a page. It begins and ends at the end of a sentence, a line
or a paragraph wherever that fits, and its size counts what is embedded with it: title, headings and special
tokens. This module knows nothing of files or models.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest.token_counts import CountTokens, LocateTokens, TokenCounts
from rag_app.records import ExtractedText, Section, Span, contextual_text

SPECIAL_TOKENS = 2
# A tokenizer may count a line of any length as one unknown word; a passage must still be fit to be read.
MAX_CHARACTERS_PER_TOKEN = 8
_SMALLEST_BUDGET = 16
_SMALLEST_ATOM_TOKENS = 16

# What it begins with is a set of characters, to which the search can leap; all else is looked at only there.
_SENTENCE_END = (
    r"[ \t\u3002\uff01\uff1f](?:(?<=[\u3002\uff01\uff1f])|"
    r"(?:(?<=[.!?…][ \t])|(?<=[.!?…][\"'”’)\]][ \t]))"
    r"(?<![ (][A-Z]\.[ \t])(?<!\bMr\.[ \t])(?<!\bMs\.[ \t])(?<!\bDr\.[ \t])(?<!\bMrs\.[ \t])(?<!\bSt\.[ \t])"
    r"(?<!\bNo\.[ \t])(?<!\be\.g\.[ \t])(?<!\bi\.e\.[ \t])"
    r"[ \t]*(?=[\"'“‘(\[]*[^\W_a-z]))"
)
_TO_SENTENCES = tuple(map(re.compile, (r"\n{2,}", r"\n", _SENTENCE_END)))
_TO_WORDS = tuple(map(re.compile, (r"[;:][ \t\n]+", r",[ \t\n]+", r"[ \t\n]+")))


@dataclass(frozen=True, slots=True)
class _Atom:
    """A piece that is not cut further: a sentence, a line, or a part of one that is too long."""

    start: int
    end: int
    tokens: int
    ends_paragraph: bool


def split_sections(
    extracted: ExtractedText,
    *,
    chunk_tokens: int,
    overlap: int,
    max_tokens: int,
    count_tokens: CountTokens,
    locate_tokens: LocateTokens | None = None,
    title: str = "",
) -> tuple[Span, ...]:
    """Split a text into spans of at most ``chunk_tokens``, never of more than ``max_tokens``.

    Every visible character lies in a span. Neighbours in a section share whole sentences of up to ``overlap``
    tokens. ``count_tokens`` counts without special tokens; with ``locate_tokens`` of the same tokenizer, the text is
    encoded about twice rather than four times. ``title`` is the document's, as it will be stored.
    """
    size = min(chunk_tokens, max_tokens) - SPECIAL_TOKENS
    tokens = TokenCounts(extracted.text, count_tokens=count_tokens, locate_tokens=locate_tokens)
    splitter = _Splitter(extracted.text, tokens, overlap=overlap)
    spans: list[Span] = []
    for section in extracted.sections:
        heading, budget = _fit_heading(section.heading, size=size, title=title, count_tokens=count_tokens)
        for start, end in splitter.split(section, budget=budget):
            spans.append(Span(start, end, section.page, heading))
    return tuple(spans)


def fit_title(title: str, *, chunk_tokens: int, count_tokens: CountTokens) -> str:
    """Shorten a title so that it takes at most a quarter of a chunk."""
    while count_tokens(title) > chunk_tokens // 4 or len(title) > chunk_tokens * MAX_CHARACTERS_PER_TOKEN // 4:
        title = title[: len(title) * 3 // 4].rstrip()
    return title


def _fit_heading(heading: str | None, *, size: int, title: str, count_tokens: CountTokens) -> tuple[str | None, int]:
    """Shorten a heading path from its front until it leaves half a chunk to the text; return what is left for it.

    Raises:
        ValueError: the title alone leaves no room; fit it first.
    """
    while True:
        budget = size - count_tokens(contextual_text(title, heading, ""))
        if heading is None or budget >= size // 2:
            break
        parts = heading.split(" > ", 1)
        heading = parts[1] if len(parts) > 1 else heading[: len(heading) * 3 // 4].rstrip() or None
    if budget < min(_SMALLEST_BUDGET, size // 2):
        raise ValueError(f"A title of {len(title)} characters leaves no room in a chunk of {size} tokens")
    return heading, budget


class _Splitter:
    """Cuts sections of one text."""

    def __init__(self, text: str, tokens: TokenCounts, *, overlap: int) -> None:
        self._text = text
        self._tokens = tokens
        self._overlap = overlap

    def split(self, section: Section, *, budget: int) -> Iterator[tuple[int, int]]:
        """Yield the spans of a section, trimmed of white space."""
        start, end = self._trimmed(section.start, section.end)
        if start == end:
            return
        if self._fits(start, end, budget):
            yield start, end
            return
        self._tokens.locate(start, end)
        atoms = self._atoms(start, end, budget)
        first = previous = 0
        while first < len(atoms):
            # Alone after an overlap, white space would make a chunk of nothing new.
            if self._text[atoms[first].start : atoms[first].end].isspace():
                first += 1
                continue
            begin = self._with_overlap(atoms, first, previous, budget)
            last = self._last_of_chunk(atoms, begin, first, budget)
            low, high = self._trimmed(atoms[begin].start, atoms[last].end)
            # Token counts of pieces need not add up to that of the whole.
            while not self._fits(low, high, budget):
                if begin < first:
                    begin = first
                elif last > first:
                    last -= 1
                else:
                    atoms[first : first + 1] = self._halves(atoms[first])
                low, high = self._trimmed(atoms[begin].start, atoms[last].end)
            if low < high:
                yield low, high
            previous, first = first, last + 1

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        while start < end and self._text[start].isspace():
            start += 1
        while end > start and self._text[end - 1].isspace():
            end -= 1
        return start, end

    def _fits(self, start: int, end: int, budget: int) -> bool:
        return end - start <= budget * MAX_CHARACTERS_PER_TOKEN and self._tokens.exactly(start, end) <= budget

    def _atoms(self, start: int, end: int, budget: int) -> list[_Atom]:
        """Cut a span into sentences and lines; short neighbours stay together, too long ones are cut at words."""
        least = min(max(self._overlap, _SMALLEST_ATOM_TOKENS), budget)
        pieces = self._pieces(start, end, separators=_TO_SENTENCES, size=least)
        return [atom for low, high in pieces for atom in self._words(low, high, budget)]

    def _words(self, start: int, end: int, budget: int) -> Iterator[_Atom]:
        # A sentence that fills a chunk to the brim is cut as well: what joins it counts too.
        tokens = self._count_up_to(budget, start, end)
        if tokens <= budget:
            yield self._atom(start, end, tokens)
            return
        for low, high in self._pieces(start, end, separators=_TO_WORDS, size=max(1, budget // 2)):
            yield from self._cut(low, high, budget)

    def _cut(self, start: int, end: int, budget: int) -> Iterator[_Atom]:
        """Cut a word that is longer than a chunk at any character."""
        step = max(1, budget * MAX_CHARACTERS_PER_TOKEN // 2)
        for low in range(start, end, step):
            high = min(low + step, end)
            yield self._atom(low, high, self._tokens.count(low, high))

    def _halves(self, atom: _Atom) -> list[_Atom]:
        middle = (atom.start + atom.end) // 2
        if middle == atom.start:
            raise ValueError("A chunk is too small for a single character")
        parts = ((atom.start, middle), (middle, atom.end))
        return [_Atom(low, high, self._tokens.count(low, high), False) for low, high in parts]

    def _atom(self, start: int, end: int, tokens: int) -> _Atom:
        return _Atom(start, end, tokens, self._text.endswith("\n\n", start, end))

    def _with_overlap(self, atoms: Sequence[_Atom], first: int, previous: int, budget: int) -> int:
        """Return the atom to begin with, so that the chunk repeats the end of the one that began at ``previous``."""
        room = min(self._overlap, budget - atoms[first].tokens)
        while first - 1 > previous and atoms[first - 1].tokens <= room:
            first -= 1
            room -= atoms[first].tokens
        return first

    def _last_of_chunk(self, atoms: Sequence[_Atom], begin: int, first: int, budget: int) -> int:
        """Return the atom that ends the chunk: at the end of a paragraph if that leaves it half full."""
        total = sum(atom.tokens for atom in atoms[begin:first])
        last = first
        paragraph: int | None = None
        for number in range(first, len(atoms)):
            total += atoms[number].tokens
            long = atoms[number].end - atoms[begin].start > budget * MAX_CHARACTERS_PER_TOKEN
            if number > first and (total > budget or long):
                return last if paragraph is None else paragraph
            last = number
            if atoms[number].ends_paragraph and total >= budget // 2:
                paragraph = number
        return last

    def _pieces(
        self, start: int, end: int, *, separators: Sequence[re.Pattern[str]], size: int
    ) -> Iterator[tuple[int, int]]:
        """Cut a span at the first separators that are enough; what is then shorter than ``size`` stays together."""
        if not separators:
            yield start, end
            return
        low, tokens = start, 0
        at = start
        for stop in self._stops(start, end, separators[0]):
            count = self._count_up_to(size, at, stop)
            if tokens + count > size and low < at:
                yield low, at
                low, tokens = at, 0
            if count > size:
                yield from self._pieces(at, stop, separators=separators[1:], size=size)
                low = stop
            else:
                tokens += count
            at = stop
        if low < end:
            yield low, end

    def _stops(self, start: int, end: int, separator: re.Pattern[str]) -> Iterator[int]:
        """Yield where the parts of a span end that a separator cuts it into; it belongs to the part before it."""
        for match in separator.finditer(self._text, start, end):
            if start < match.end() < end:
                yield match.end()
        yield end

    def _count_up_to(self, size: int, start: int, end: int) -> int:
        """Count the tokens of a piece that may be of ``size``: a long one is too long without being counted."""
        return size + 1 if end - start > size * MAX_CHARACTERS_PER_TOKEN else self._tokens.count(start, end)
