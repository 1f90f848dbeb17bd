"""Answer a request for an overview of a document, or of a section, with its own sentences.

"Summarise the travel policy" asks for no fact that could be searched for, and a small model's summary leaves out and
makes up. So the document that the request names is read whole, and of each of its sections the sentence is quoted that
says most of what the section says: the one nearest to the mean of its sentences (centroid-based summarisation, Radev
et al. 2004, doi 10.1016/j.ipm.2003.10.006), and no second one like it (maximal marginal relevance, Carbonell and
Goldstein 1998, doi 10.1145/290941.291025).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag_app.answering.accounts import without_headings
from rag_app.answering.grounding import Window
from rag_app.answering.naming import Named, Overview, Shelf, find_named
from rag_app.answering.sentences import ITEM, ROW
from rag_app.records import Chunk, Document, Passage, heading_path

MOST_SENTENCES = 8
FEWEST_SENTENCES = 3
MOST_CANDIDATES = 160
"""More sentences are not embedded: of every section its first ones then."""
LEAST_WORDS, MOST_WORDS = 5, 45
LEAD = 0.08
"""What the first sentence of a section has over the others: it tends to say what the section is about."""
MATTER = 0.3
DANGLES = 0.12
"""What a sentence loses that leans on the one before it: "They are paid with the next salary"."""
LIKENESS_WEIGHT = 0.5
HEADING_WEIGHT = 0.5
"""Of a section's heading, beside the mean of its sentences."""
_LEANS = re.compile(
    r"(?:they|it|this|that|these|those|he|she|its|their|his|her|both|such|however|then|otherwise|also|instead|so|"
    r"in this case|in addition|for example|the same|the latter)\b",
    re.IGNORECASE,
)
_MATTER = re.compile(
    r"(?:version|edition|revision|status|owner|author|adopted|approved|in force|valid (?:from|until)|effective|issued"
    r"|published|updated|last (?:updated|changed|reviewed|modified)|superseded|kept for reference|copyright|©"
    r"|all rights reserved|(?:it|this \w+) replaces"
    r"|(?:manual|document|data ?sheet) \S+, (?:revision|version|edition))\b",
    re.IGNORECASE,
)
"""What is said of the document rather than in it."""


class SentenceEmbedder(Protocol):
    """What an overview needs of an embedder."""

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Told:
    """An overview: what is quoted, in the order of the documents, and a note that says of what and how much."""

    windows: Sequence[Window]
    note: str


@dataclass(frozen=True, slots=True)
class _Section:
    """The sentences under one heading of a document that can be quoted."""

    document: Document
    heading: str
    sentences: Sequence[Window]


def tell_overview(wish: Overview, found: Sequence[Passage], shelf: Shelf, embedder: SentenceEmbedder) -> Told | None:
    """Return the overview that is wished for; None where it names no document and no section that can be quoted.

    Args:
        wish: what is to be told, and in how many sentences.
        found: what a search for it found; says which sections may be meant.
        shelf: where the documents stand.
        embedder: tells which sentences are like others.
    """
    named = find_named(wish, found, shelf)
    if named is None:
        return None
    several = len(named.documents) > 1
    sections = [
        section for document, chunks in named.documents for section in _sections(document, chunks, whole=several)
    ]
    if not sections:
        return None
    most = wish.sentences or _fitting_number(sections)
    windows = _choose([_first_ones(section, len(sections)) for section in sections], most, embedder)
    return Told(windows, _note(named, min(most, len(sections)), len(sections)))


def _fitting_number(sections: Sequence[_Section]) -> int:
    sentences = sum(len(section.sentences) for section in sections)
    return min(MOST_SENTENCES, max(FEWEST_SENTENCES, len(sections), sentences // 6))


def _sections(document: Document, chunks: Sequence[Chunk], *, whole: bool) -> Iterator[_Section]:
    """Yield the parts of a document that have something to quote; all of it as one with ``whole``."""
    told = [(_top_heading(document, chunk), window) for chunk in chunks for window in _telling(document, chunk)]
    end, once = 0, []
    for heading, window in told:
        # Neighbouring chunks may overlap.
        if window.start >= end:
            once.append((heading, window))
            end = window.end
    if whole:
        once = [("", window) for _, window in once]
    sections = [
        _Section(document, heading, [window for _, window in group])
        for heading, group in groupby(once, key=lambda pair: pair[0])
    ]
    telling = [s for s in sections if not all(_MATTER.match(window.text) for window in s.sentences)]
    yield from telling or sections


def _top_heading(document: Document, chunk: Chunk) -> str:
    """Return the uppermost heading that a chunk stands under, the document's title apart."""
    path = heading_path(document.title, chunk.heading).split(" > ")
    return next(iter(path[1:]), "")


def _telling(document: Document, chunk: Chunk) -> Iterator[Window]:
    """Yield the sentences of a chunk that can be read alone: no headings, rows of tables, or announcements of lists."""
    passage = Passage(1, 1.0, chunk, document)
    for low, high in without_headings(passage):
        text = chunk.text[low:high]
        words = len(text.split())
        if LEAST_WORDS <= words <= MOST_WORDS and text[-1] in '.!?…"”' and not ROW.match(text):
            item = ITEM.match(text)
            start = low + item.end() if item and item.end() < len(text) else low
            yield Window(passage, chunk.start + start, chunk.start + high)


def _first_ones(section: _Section, sections: int) -> _Section:
    return replace(section, sentences=section.sentences[: max(1, MOST_CANDIDATES // sections)])


def _choose(sections: Sequence[_Section], most: int, embedder: SentenceEmbedder) -> list[Window]:
    """Return ``most`` sentences in their order: one of each section, more of the longer ones.

    Where there are more sections than that, the best sentences of those that tell most of all.
    """
    headings = [heading_path(section.document.title, section.heading or None) for section in sections]
    texts = [window.text for section in sections for window in section.sentences]
    vectors = embedder.embed_passages([*headings, *texts])
    above, vectors = vectors[: len(headings)], vectors[len(headings) :]
    begins = np.cumsum([0, *(len(section.sentences) for section in sections)])
    own = [vectors[low:high] for low, high in pairwise(begins)]
    chosen: list[list[int]] = [[] for _ in sections]
    for _ in range(max(len(sections), min(most, len(vectors)))):
        unfinished = [i for i, section in enumerate(sections) if len(chosen[i]) < len(section.sentences)]
        # Of those with fewest the longest: a section of thirty sentences gets its second before one of three.
        i = max(unfinished, key=lambda i: (not chosen[i], len(sections[i].sentences) / (len(chosen[i]) + 1)))
        middle = own[i].mean(axis=0) + HEADING_WEIGHT * above[i]
        chosen[i].append(_next_best(sections[i].sentences, own[i], middle, chosen[i]))
    windows = [section.sentences[n] for section, numbers in zip(sections, chosen, strict=True) for n in sorted(numbers)]
    if len(windows) <= most:
        return windows
    best = np.concatenate([vectors_[sorted(numbers)] for vectors_, numbers in zip(own, chosen, strict=True)])
    kept: list[int] = []
    for _ in range(most):
        kept.append(_next_best(windows, best, best.mean(axis=0), kept))
    return [windows[n] for n in sorted(kept)]


def _next_best(
    sentences: Sequence[Window], vectors: NDArray[np.float32], middle: NDArray[np.float32], chosen: Sequence[int]
) -> int:
    """Return the sentence that is nearest to ``middle`` and least like what is chosen."""
    gains = vectors @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    gains[0] += LEAD
    gains -= DANGLES * np.array([bool(_LEANS.match(window.text)) for window in sentences])
    gains -= MATTER * np.array([bool(_MATTER.match(window.text)) for window in sentences])
    if chosen:
        gains -= LIKENESS_WEIGHT * (vectors @ vectors[list(chosen)].T).max(axis=1)
        gains[list(chosen)] = -np.inf
    return int(gains.argmax())


def _note(named: Named, taken: int, sections: int) -> str:
    names = [f"“{document.title}”" for document, _ in named.documents]
    if named.section:
        return f"“{named.section}” in {names[0]}, in its own words."
    if len(names) > 1:
        return f"{', '.join(names[:-1])} and {names[-1]} in their own words."
    if sections == 1:
        return f"{names[0]} in its own words."
    share = f"each of {sections}" if taken == sections else f"{taken} of {sections}"
    return f"{names[0]} in its own words, from {share} sections."
