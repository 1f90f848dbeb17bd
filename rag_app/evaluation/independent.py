"""A check of shown sentences that shares nothing with the one that answering makes.

A sentence passes when its cited quotes, with the titles and headings above them, have all its digits, at least
half of its longer words, and a meaning near its own (cosine of the embeddings at least 0.5). It is a floor,
not a judgement: it catches what is made up, not what is subtly bent.
"""

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag_app.records import Answer, Sentence

LEAST_SHARED_WORDS = 0.5
LEAST_COSINE = 0.5


class QueryEmbedder(Protocol):
    """What the check needs of an embedder."""

    def embed_query(self, text: str) -> NDArray[np.float32]: ...


def count_unsupported(answer: Answer, embedder: QueryEmbedder) -> tuple[int, int]:
    """Return (sentences that fail the check, sentences shown without a mark of doubt)."""
    shown = [s for s in answer.sentences if s.status != "unsupported"]
    return sum(not _passes(s, answer, embedder) for s in shown), len(shown)


def _passes(sentence: Sentence, answer: Answer, embedder: QueryEmbedder) -> bool:
    cited = [c for c in answer.citations if c.number in sentence.citations]
    if not cited:
        return False
    around = " ".join(f"{c.document.title} {c.heading or ''} {c.quote}" for c in cited)
    if not set(re.findall(r"\d+", sentence.text)) <= set(re.findall(r"\d+", around)):
        return False
    words = _long_words(sentence.text)
    if words and len(words & _long_words(around)) < LEAST_SHARED_WORDS * len(words):
        return False
    quoted = " ".join(c.quote for c in cited)
    return max(_cosine(embedder, sentence.text, quoted), _cosine(embedder, sentence.text, around)) >= LEAST_COSINE


def _long_words(text: str) -> set[str]:
    return {w[:6] for w in re.findall(r"[^\W\d_]{4,}", text.casefold())}


def _cosine(embedder: QueryEmbedder, a: str, b: str) -> float:
    return float(np.dot(embedder.embed_query(a), embedder.embed_query(b)))


def texts_hold(quote: str, texts: Sequence[str]) -> bool:
    """Tell whether a quote lies in one of the texts, blanks apart."""
    bare = "".join(quote.split())
    return any(bare in "".join(t.split()) for t in texts)
