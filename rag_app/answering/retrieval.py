"""Find the passages that a question is about: search by meaning and by words, their scores added.

A passage scores its cosine with the question plus ``WORDS_WEIGHT`` times the score of its words. Adding scores
keeps what ranks throw away: how much better the first is than the second, and whether it is good at all (Bruch,
Gai and Ingber 2023, arXiv 2210.11934). Neither search's scores are stretched to fill a range for each question,
so that the scores of two questions can be compared.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag_app.records import Chunk, Document, Hit, Passage, Scope

WORDS_WEIGHT = 0.12
"""Of eight kinds of questions and claims, from libraries of 70 to 13,000 chunks, the mean nDCG@10 changes by less than
0.003 between 0.08 and 0.14. Chosen for cosines of all-MiniLM-L6-v2; an embedder whose cosines lie closer together
gives the words more weight."""
SEARCH_DEPTH = 100
DISTINCT_AMONG = 4
"""How many times the wanted hits are looked through for copies of each other."""


class Searchable(Protocol):
    """What retrieval needs of a library."""

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope = ...) -> list[Hit]: ...
    def search_words(self, query: str, k: int, scope: Scope = ...) -> list[Hit]: ...
    def distinct(self, hits: Sequence[Hit]) -> list[Hit]: ...
    def passages(self, hits: Sequence[Hit]) -> list[Passage]: ...
    def documents(self, scope: Scope = ...) -> list[Document]: ...
    def chunks(self, document_id: int) -> list[Chunk]: ...


class QueryEmbedder(Protocol):
    """What retrieval needs of an embedder."""

    def embed_query(self, text: str) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class PartlySearched:
    """A library of which one of the two searches finds nothing, to measure what the other is worth."""

    library: Searchable
    dense: bool = True
    words: bool = True

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope = Scope()) -> list[Hit]:
        return self.library.search_vectors(query, k, scope) if self.dense else []

    def search_words(self, query: str, k: int, scope: Scope = Scope()) -> list[Hit]:
        return self.library.search_words(query, k, scope) if self.words else []

    def distinct(self, hits: Sequence[Hit]) -> list[Hit]:
        return self.library.distinct(hits)

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        return self.library.passages(hits)

    def documents(self, scope: Scope = Scope()) -> list[Document]:
        return self.library.documents(scope)

    def chunks(self, document_id: int) -> list[Chunk]:
        return self.library.chunks(document_id)


def fuse(dense: Sequence[Hit], words: Sequence[Hit], *, depth: int) -> list[Hit]:
    """Return the hits of both searches by their summed scores, best first. Ties keep the order of ``dense``.

    Args:
        dense: found by meaning, best first; scores are cosines.
        words: found by words, best first.
        depth: as many hits were asked for. What a search with so many hits did not find counts as its last.
    """
    meaning = {hit.chunk_id: hit.score for hit in dense}
    wording = {hit.chunk_id: WORDS_WEIGHT * hit.score for hit in words}
    least_meaning = dense[-1].score if len(dense) >= depth else 0.0
    least_wording = WORDS_WEIGHT * words[-1].score if len(words) >= depth else 0.0
    fused = [
        Hit(chunk, meaning.get(chunk, least_meaning) + wording.get(chunk, least_wording))
        for chunk in dict.fromkeys([*meaning, *wording])
    ]
    return sorted(fused, key=lambda hit: -hit.score)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a search found, best first: by each way, of both without copies, and the passages that are taken of it."""

    passages: Sequence[Passage] = ()
    by_meaning: Sequence[Hit] = ()
    by_words: Sequence[Hit] = ()
    distinct: Sequence[Hit] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)


def find(query: str, k: int, *, library: Searchable, embedder: QueryEmbedder, scope: Scope) -> Finding:
    """Find the ``k`` best passages within ``scope``; of copies of the same text only the newest counts."""
    depth = max(SEARCH_DEPTH, k)
    clock = [time.perf_counter()]
    vector = embedder.embed_query(query)
    clock.append(time.perf_counter())
    dense = library.search_vectors(vector, depth, scope)
    clock.append(time.perf_counter())
    words = library.search_words(query, depth, scope)
    clock.append(time.perf_counter())
    fused = fuse(dense, words, depth=depth)
    # Few hits are copies, and to tell them takes a query: look at no more of them than may be needed.
    distinct = library.distinct(fused[: DISTINCT_AMONG * k])[:k]
    passages = library.passages(distinct)
    clock.append(time.perf_counter())
    steps = zip(("embed", "search_meaning", "search_words", "read_passages"), pairwise(clock), strict=True)
    return Finding(passages, dense, words, distinct, {name: 1000 * (end - begun) for name, (begun, end) in steps})


def retrieve(query: str, k: int, *, library: Searchable, embedder: QueryEmbedder, scope: Scope) -> list[Passage]:
    """Return the ``k`` best passages within ``scope``, best first; of copies of the same text only the newest."""
    return list(find(query, k, library=library, embedder=embedder, scope=scope).passages)
