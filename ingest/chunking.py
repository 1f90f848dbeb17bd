"""Split sections into spans that are small enough to embed.

A span never crosses a section, so it never crosses a page. It begins and ends at the end of a sentence, a line
or a paragraph wherever that fits, and its size counts what is embedded with it: title, headings and special
tokens. This module knows nothing of files or models.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from langchain_text_splitters import RecursiveCharacterTextSplitter

from rag_app.records import ExtractedText, Section, Span, contextual_text

CountTokens = Callable[[str], int]

SPECIAL_TOKENS = 2
# A tokenizer may count a line of any length as one unknown word; a passage must still be fit to be read.
MAX_CHARACTERS_PER_TOKEN = 8
_SMALLEST_BUDGET = 16
_SMALLEST_ATOM_TOKENS = 16
_COUNTS_KEPT = 8192

_SENTENCE_END = (
    r"(?<![ (][A-Z]\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bMrs\.)(?<!\bSt\.)(?<!\bNo\.)(?<!\be\.g\.)(?<!\bi\.e\.)"
    r"(?:(?<=[.!?…])|(?<=[.!?…][\"'”’)\]]))[ \t]+(?=[\"'“‘(\[]*[^\W_a-z])|(?<=[\u3002\uff01\uff1f])"
)
_TO_SENTENCES = [r"\n{2,}", r"\n", _SENTENCE_END]
_TO_WORDS = [r"[;:][ \t\n]+", r",[ \t\n]+", r"[ \t\n]+"]


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
    title: str = "",
) -> tuple[Span, ...]:
    """Split a text into spans of at most ``chunk_tokens``, never of more than ``max_tokens``.

    Every visible character lies in a span. Neighbours in a section share whole sentences of up to ``overlap``
    tokens. ``count_tokens`` counts without special tokens; ``title`` is the document's, as it will be stored.
    """
    size = min(chunk_tokens, max_tokens) - SPECIAL_TOKENS
    splitter = _Splitter(extracted.text, overlap=overlap, count_tokens=count_tokens)
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

    def __init__(self, text: str, *, overlap: int, count_tokens: CountTokens) -> None:
        self._text = text
        self._overlap = overlap
        # The same sentences are counted while cutting, merging and filling.
        self._count = lru_cache(maxsize=_COUNTS_KEPT)(count_tokens)

    def split(self, section: Section, *, budget: int) -> Iterator[tuple[int, int]]:
        """Yield the spans of a section, trimmed of white space."""
        start, end = self._trimmed(section.start, section.end)
        if start == end:
            return
        if self._fits(start, end, budget):
            yield start, end
            return
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
        return end - start <= budget * MAX_CHARACTERS_PER_TOKEN and self._count(self._text[start:end]) <= budget

    def _atoms(self, start: int, end: int, budget: int) -> list[_Atom]:
        """Cut a span into sentences and lines; short neighbours stay together, too long ones are cut at words."""
        least = min(max(self._overlap, _SMALLEST_ATOM_TOKENS), budget)
        atoms: list[_Atom] = []
        for piece in _pieces(self._text[start:end], _TO_SENTENCES, size=least, count=self._count):
            atoms.extend(self._words(start, start + len(piece), budget))
            start += len(piece)
        return atoms

    def _words(self, start: int, end: int, budget: int) -> Iterator[_Atom]:
        text = self._text[start:end]
        # A sentence that fills a chunk to the brim is cut as well: what joins it counts too.
        fits = len(text) <= budget * MAX_CHARACTERS_PER_TOKEN
        tokens = self._count(text) if fits else budget + 1
        if tokens <= budget:
            yield _Atom(start, end, tokens, text.endswith("\n\n"))
            return
        for piece in _pieces(text, _TO_WORDS, size=max(1, budget // 2), count=self._count):
            yield from self._cut(start, start + len(piece), budget)
            start += len(piece)

    def _cut(self, start: int, end: int, budget: int) -> Iterator[_Atom]:
        """Cut a word that is longer than a chunk at any character."""
        step = max(1, budget * MAX_CHARACTERS_PER_TOKEN // 2)
        for low in range(start, end, step):
            text = self._text[low : min(low + step, end)]
            yield _Atom(low, low + len(text), self._count(text), text.endswith("\n\n"))

    def _halves(self, atom: _Atom) -> list[_Atom]:
        middle = (atom.start + atom.end) // 2
        if middle == atom.start:
            raise ValueError("A chunk is too small for a single character")
        parts = ((atom.start, middle), (middle, atom.end))
        return [_Atom(low, high, self._count(self._text[low:high]), False) for low, high in parts]

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


def _pieces(text: str, separators: list[str], *, size: int, count: CountTokens) -> list[str]:
    """Cut a text at the first separators that are enough; the pieces put together are the text again."""
    splitter = RecursiveCharacterTextSplitter(
        separators=separators,
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=False,
        chunk_size=size,
        chunk_overlap=0,
        length_function=partial(_length, size=size, count=count),
    )
    return splitter.split_text(text)


def _length(text: str, *, size: int, count: CountTokens) -> int:
    """Count tokens, but only of texts that may be short: a long one is too long without being counted."""
    if not text:
        return 0
    return size + 1 if len(text) > size * MAX_CHARACTERS_PER_TOKEN else count(text)
