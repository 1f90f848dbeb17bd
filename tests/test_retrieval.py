"""Rankings are fused by rank, and the scope reaches both searches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag_app.answering.retrieval import fuse_by_rank, retrieve
from rag_app.records import Hit, Passage, Scope
from tests.fakes import FakeEmbedder


def test_a_passage_found_by_both_searches_beats_one_found_first_by_one() -> None:
    fused = fuse_by_rank([[Hit(1, 0.9), Hit(2, 0.8)], [Hit(2, 7.0), Hit(3, 6.0)]], 3)
    assert [h.chunk_id for h in fused] == [2, 1, 3]


def test_fusion_depends_on_ranks_and_not_on_scores() -> None:
    small = fuse_by_rank([[Hit(1, 0.2), Hit(2, 0.1)], [Hit(3, 9.0)]], 5)
    large = fuse_by_rank([[Hit(1, 200.0), Hit(2, 100.0)], [Hit(3, 0.1)]], 5)
    assert small == large


class ScopeRecorder:
    """A library that finds nothing and remembers the scopes it was asked for."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []

    def search_vectors(self, query: NDArray[np.float32], k: int, scope: Scope | None = None) -> list[Hit]:
        self.scopes.append(scope or Scope())
        return []

    def search_words(self, query: str, k: int, scope: Scope | None = None) -> list[Hit]:
        self.scopes.append(scope or Scope())
        return []

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        return []


def test_the_scope_reaches_both_searches() -> None:
    library, scope = ScopeRecorder(), Scope(collections=("hr",))
    assert retrieve("leave", 3, library=library, embedder=FakeEmbedder(), scope=scope) == []
    assert library.scopes == [scope, scope]
