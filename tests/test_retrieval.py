"""What both searches find comes first, an exact code wins, and the scope reaches both searches."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag_app.answering.assistant import Assistant
from rag_app.answering.parts import Parts
from rag_app.answering.retrieval import PartlySearched, fuse, retrieve
from rag_app.library import Library
from rag_app.records import Chunk, Document, Hit, Passage, Scope
from tests.fakes import FakeEmbedder, ListLibrary, WordEvidence, make_passages
from tests.libraries import EMBEDDER, new_document, open_library, store

RANKING = st.lists(
    st.tuples(st.integers(1, 30), st.floats(0, 1, width=32)), max_size=20, unique_by=lambda pair: pair[0]
).map(lambda pairs: [Hit(chunk, score) for chunk, score in sorted(pairs, key=lambda pair: -pair[1])])


def order(hits: Sequence[Hit]) -> list[int]:
    return [hit.chunk_id for hit in hits]


def test_a_passage_found_by_both_searches_beats_one_found_by_either() -> None:
    fused = fuse([Hit(1, 0.5), Hit(2, 0.5)], [Hit(2, 1.0), Hit(3, 1.0)], depth=10)
    assert order(fused) == [2, 1, 3]


def test_a_far_better_fit_of_words_beats_a_slightly_better_fit_of_meaning() -> None:
    assert order(fuse([Hit(1, 0.52), Hit(2, 0.50)], [Hit(2, 1.5), Hit(1, 0.5)], depth=10)) == [2, 1]


def test_a_far_better_fit_of_meaning_beats_a_slightly_better_fit_of_words() -> None:
    assert order(fuse([Hit(1, 0.8), Hit(2, 0.4)], [Hit(2, 0.6), Hit(1, 0.5)], depth=10)) == [1, 2]


def test_what_a_full_ranking_lacks_counts_as_its_last() -> None:
    scores = {hit.chunk_id: hit.score for hit in fuse([Hit(1, 0.7), Hit(2, 0.6)], [Hit(3, 1.0)], depth=2)}
    assert scores[3] - scores[2] == pytest.approx(fuse([], [Hit(3, 1.0)], depth=2)[0].score)


def test_words_that_stand_nowhere_else_are_no_worth_to_what_lacks_them() -> None:
    assert fuse([Hit(1, 0.7)], [Hit(2, 1.0)], depth=5)[0] == Hit(1, 0.7)


def test_scores_do_not_depend_on_what_else_was_found() -> None:
    alone = fuse([Hit(1, 0.7)], [Hit(1, 0.9)], depth=5)
    among = fuse([Hit(2, 0.9), Hit(1, 0.7)], [Hit(3, 4.0), Hit(1, 0.9)], depth=5)
    assert alone[0] in among


@given(dense=RANKING, words=RANKING)
def test_everything_found_is_ranked_once_best_first(dense: list[Hit], words: list[Hit]) -> None:
    fused = fuse(dense, words, depth=20)
    assert sorted(order(fused)) == sorted({hit.chunk_id for hit in [*dense, *words]})
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)


@given(dense=RANKING, words=RANKING)
def test_no_passage_beats_one_that_is_better_in_both_searches(dense: list[Hit], words: list[Hit]) -> None:
    meaning, wording = ({hit.chunk_id: hit.score for hit in ranking} for ranking in (dense, words))
    both = [hit for hit in fuse(dense, words, depth=21) if hit.chunk_id in meaning.keys() & wording.keys()]
    for place, better in enumerate(both):
        for worse in both[place + 1 :]:
            a, b = better.chunk_id, worse.chunk_id
            assert not (meaning[a] < meaning[b] and wording[a] < wording[b])


@pytest.fixture
def handbook(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path) as library:
        for number in range(30):
            store(
                library, new_document(f"device{number}.md", f"The pump of device KX-{4700 + number} is cleaned weekly")
            )
        store(library, new_document("fire.md", "Leave the building by the stairs when the alarm rings"))
        yield library


class BlindToNumbers:
    """Embeds queries as if they had no numbers, as small models all but do."""

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return EMBEDDER.embed_query(re.sub(r"\d", "", text))


def texts(passages: Sequence[Passage]) -> list[str]:
    return [passage.chunk.text for passage in passages]


def test_an_exact_code_wins(handbook: Library) -> None:
    found = retrieve("When is KX-4711 cleaned?", 5, library=handbook, embedder=BlindToNumbers(), scope=Scope())
    assert "KX-4711" in texts(found)[0]


def test_nothing_outside_of_the_scope_is_found(handbook: Library) -> None:
    inside = Scope(documents=tuple(d.id for d in handbook.documents() if d.name == "fire.md"))
    found = retrieve("When is KX-4711 cleaned?", 5, library=handbook, embedder=EMBEDDER, scope=inside)
    assert {passage.document.name for passage in found} == {"fire.md"}


def test_words_are_worth_as_much_in_a_large_library_as_in_a_small_one(tmp_path: Path) -> None:
    best = []
    for size in (20, 400):
        with open_library(tmp_path / str(size)) as library:
            store(library, new_document("many.md", "zeppelin", *(f"filler {n}" for n in range(size))))
            best.append(library.search_words("zeppelin", 1)[0].score)
    assert best[1] == pytest.approx(best[0], rel=0.2)


def test_each_search_can_be_left_out(handbook: Library) -> None:
    query, vector = "KX-4711", EMBEDDER.embed_query("KX-4711")
    by_words = PartlySearched(handbook, dense=False)
    by_meaning = PartlySearched(handbook, words=False)
    assert by_words.search_vectors(vector, 3) == []
    assert by_words.search_words(query, 3) == handbook.search_words(query, 3)
    assert by_meaning.search_vectors(vector, 3) == handbook.search_vectors(vector, 3)
    assert by_meaning.search_words(query, 3) == []
    found = retrieve(query, 3, library=by_words, embedder=EMBEDDER, scope=Scope())
    assert [passage.chunk.id for passage in found] == order(handbook.search_words(query, 3))


def test_an_assistant_searches_with_its_own_parts_only() -> None:
    def assistant(parts: Parts) -> Assistant:
        library = ListLibrary(make_passages("Dogs are not allowed."))  # which only its search by meaning finds
        return Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=None, parts=parts)

    assert len(assistant(Parts(words=False)).search("dogs")) == 1
    assert assistant(Parts(dense=False)).search("dogs") == []


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

    def distinct(self, hits: Sequence[Hit]) -> list[Hit]:
        return []

    def passages(self, hits: Sequence[Hit]) -> list[Passage]:
        return []

    def documents(self, scope: Scope | None = None) -> list[Document]:
        return []

    def chunks(self, document_id: int) -> list[Chunk]:
        return []


def test_copies_of_a_text_take_one_place(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        leave = "Ten days of leave may be carried over."
        for name in ("a.md", "copy of a.md"):
            store(library, new_document(name, leave))
        other = store(library, new_document("b.md", "Leave is asked for in writing."))
        found = retrieve("days of leave", 2, library=library, embedder=EMBEDDER, scope=Scope())
        assert [passage.document.name for passage in found] == ["copy of a.md", other.name]


@pytest.mark.parametrize("wrap", [lambda library: library, PartlySearched], ids=["whole", "partly"])
def test_the_scope_reaches_both_searches(wrap: type[PartlySearched]) -> None:
    library, scope = ScopeRecorder(), Scope(collections=("hr",))
    assert retrieve("leave", 3, library=wrap(library), embedder=FakeEmbedder(), scope=scope) == []
    assert library.scopes == [scope, scope]
