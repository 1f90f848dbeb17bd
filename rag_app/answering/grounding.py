"""Check sentences against passages, and say exactly which span bears each of them.

A sentence counts as supported by a window (one sentence of a passage, or two neighbours) when its numbers,
names and negation agree with it literally, most of its words stand there, and the evidence model finds that
the window supports it. The citation is the window's span: code assigns it, never the language model.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from rag_app.answering.sentences import ITEM, split_sentences
from rag_app.answering.wording import (
    bounds_agree,
    cells_agree,
    content_stems,
    coverage,
    invented_words,
    measures_agree,
    names_agree,
    negation_agrees,
    numbers_agree,
    opposites_agree,
)
from rag_app.records import Passage

CANDIDATES = 6
LEAST_COVERAGE = 0.85
LEAST_OWN_COVERAGE = 0.4
"""Of the window's own text, its headings apart."""
LEAST_SUPPORT = 0.5
"""Of the evidence model, whose probability of support was calibrated on claims kept out of training."""
LIST_ITEMS = 6
LEAST_QUOTED_WORDS = 4
JOINING = re.compile(r"[,;]|\b(?:and|but|while|whereas|or|as well as|both|it|they|this|these)\b", re.IGNORECASE)
"""How a sentence shows that it may rest on two of a text."""


class SupportModel(Protocol):
    """What grounding needs of the evidence model."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a passage's document that can be cited. Offsets count characters of the document's text."""

    passage: Passage
    start: int
    end: int
    joined: bool = False
    """Whether it is two sentences: they bear only a sentence that joins facts, lest one's name get the other's."""

    @property
    def text(self) -> str:
        base = self.passage.chunk.start
        return self.passage.chunk.text[self.start - base : self.end - base]

    @property
    def context(self) -> str:
        """The document's title and the headings above the window."""
        return " > ".join(p for p in (self.passage.document.title, self.passage.chunk.heading) if p)


class Grounder:
    """Finds for each sentence of an answer the window that supports it best."""

    def __init__(self, model: SupportModel, question: str, passages: Sequence[Passage]) -> None:
        self._model = model
        self._question = question
        self._windows = [window for passage in passages for window in cut_windows(passage)]

    def find_support(self, sentence: str) -> Window | None:
        """Return the window that supports the sentence, the shortest of equally good ones, or None."""
        if not content_stems(sentence) - content_stems(self._question) and not content_stems(sentence):
            return None
        joins = bool(JOINING.search(sentence))
        fitting = [w for w in self._windows if (joins or not w.joined) and self._agrees_literally(sentence, w)]
        fitting.sort(key=lambda w: (-coverage(sentence, w.text), w.end - w.start))
        candidates = fitting[:CANDIDATES]
        if not candidates:
            return None
        scores = self._model.support([(sentence, f"{w.context}: {w.text}") for w in candidates])
        best = max(range(len(candidates)), key=lambda i: (round(scores[i], 1), -i))
        return candidates[best] if scores[best] >= LEAST_SUPPORT else None

    def nearest(self, sentence: str) -> Window | None:
        """Return the single sentence that shares most words with this one, whether it supports it or not."""
        single = [w for w in self._windows if not w.joined]
        return max(single, key=lambda w: coverage(sentence, w.text), default=None)

    def _agrees_literally(self, sentence: str, window: Window) -> bool:
        around = f"{window.context}\n{window.text}"
        return (
            coverage(sentence, around) >= LEAST_COVERAGE
            and not invented_words(sentence, f"{around}\n{self._question}")
            and coverage(sentence, window.text) >= LEAST_OWN_COVERAGE
            and numbers_agree(sentence, around)
            # A heading such as "3 Leave" numbers something; it does not say how much.
            and measures_agree(sentence, window.text)
            and cells_agree(sentence, window.text)
            and names_agree(sentence, around, question=self._question)
            and negation_agrees(sentence, window.text)
            and opposites_agree(sentence, window.text)
            and bounds_agree(sentence, window.text)
        )


def cut_windows(passage: Passage) -> list[Window]:
    """Return every sentence of a passage and every two neighbours."""
    base = passage.chunk.start
    spans = split_sentences(passage.chunk.text)
    single = [Window(passage, base + low, base + high) for low, high in spans]
    double = [Window(passage, a.start, b.end, joined=True) for a, b in pairwise(single)]
    return single + double


def quote_around(passage: Passage, span: tuple[int, int]) -> Window:
    """Return the sentences of a passage that hold ``span`` (characters of the chunk's text).

    A sentence that announces a list is quoted together with the items that follow it.
    """
    base, spans = passage.chunk.start, split_sentences(passage.chunk.text)
    touched = [i for i, (low, high) in enumerate(spans) if low < span[1] and high > span[0]]
    if not touched:
        return Window(passage, base + span[0], base + span[1])
    first, last = touched[0], touched[-1]
    last = list_end(passage.chunk.text, spans, last)
    return Window(passage, base + spans[first][0], base + spans[last][1])


def list_end(text: str, spans: Sequence[tuple[int, int]], last: int) -> int:
    """Return the last sentence of what sentence ``last`` announces with a colon, or that itself if it does not.

    That is what follows: the items of a list, or else one paragraph.
    """
    if not text[: spans[last][1]].endswith(":"):
        return last
    end = last
    for i in range(last + 1, min(last + LIST_ITEMS, len(spans) - 1) + 1):
        apart = "\n\n" in text[spans[i - 1][1] : spans[i][0]]
        if apart and end > last and not ITEM.match(text, spans[i][0]):
            break
        end = i
    return end


def lengthen_quote(window: Window) -> Window:
    """Return a window that says something: one of few words, such as "No.", with the next sentence of its paragraph."""
    base, text = window.passage.chunk.start, window.passage.chunk.text
    rest = window.end - base
    if len(window.text.split()) >= LEAST_QUOTED_WORDS:
        return window
    following = next(((low, high) for low, high in split_sentences(text) if low >= rest), None)
    if following is None or "\n\n" in text[rest : following[0]]:
        return window
    return Window(window.passage, window.start, base + following[1])
