"""Find the passages that a question is about: dense and keyword search, fused by rank.

Fusion is reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): a passage scores the sum of
1 / (60 + rank) over the searches that found it, so that neither search's scale matters.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rag_app.records import Hit, Passage, Scope

RANK_CONSTANT = 60
SEARCH_DEPTH = 40


class Searchable(Protocol):
    """What retrieval needs of a library."""

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope = ...) -> list[Hit]: ...
    def search_words(self, query: str, k: int, scope: Scope = ...) -> list[Hit]: ...
    def passages(self, hits: Sequence[Hit]) -> list[Passage]: ...


class QueryEmbedder(Protocol):
    """What retrieval needs of an embedder."""

    def embed_query(self, text: str) -> NDArray[np.float32]: ...


def fuse_by_rank(rankings: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """Fuse rankings into the best ``k`` hits. Ties keep the order of the first ranking."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, hit in enumerate(ranking, start=1):
            scores[hit.chunk_id] += 1 / (RANK_CONSTANT + rank)
    best = sorted(scores.items(), key=lambda item: -item[1])[:k]
    return [Hit(chunk_id, score) for chunk_id, score in best]


def retrieve(query: str, k: int, *, library: Searchable, embedder: QueryEmbedder, scope: Scope) -> list[Passage]:
    """Return the ``k`` best passages within ``scope``, best first."""
    depth = max(SEARCH_DEPTH, k)
    dense = library.search_vectors(embedder.embed_query(query), depth, scope)
    words = library.search_words(query, depth, scope)
    return library.passages(fuse_by_rank([dense, words], k))
