"""Documents in and out of a library, and both searches."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_app.errors import LibraryError, NotFound
from rag_app.library import Library
from rag_app.library.words import MAX_WORDS, match_expression
from rag_app.records import Hit, NewDocument, Scope, Span
from tests.libraries import (
    EMBEDDER,
    contents,
    found_by_vectors,
    found_by_words,
    new_document,
    open_library,
    store,
    vectors_of,
)


def test_a_stored_document_is_listed_with_all_it_came_with(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    with open_library(tmp_path) as library:
        given_document = new_document("a/leave.md", "ten days of leave", "carried over", title="Leave")
        stored = store(library, given_document, "handbook")
        assert library.documents() == [stored]
        assert library.document(stored.id) == stored
        for name in ("name", "path", "root", "sha256", "size", "mtime_ns", "title", "pages"):
            assert getattr(stored, name) == getattr(given_document, name)
        assert (stored.collection, stored.version, stored.chunks) == ("handbook", 1, 2)
        assert before <= stored.ingested_at <= datetime.now(UTC)


def test_a_chunk_is_exactly_its_span_of_the_text(tmp_path: Path) -> None:
    pieces = ("naïve café – 日本語", "nul\x00inside", "\U0001f600 beyond the first plane", "line\r\nbreaks\u2028kept")
    with open_library(tmp_path) as library:
        stored = store(library, new_document("odd.txt", *pieces))
        text = library.text(stored.id)
        chunks = library.chunks(stored.id)
        assert [chunk.text for chunk in chunks] == list(pieces)
        assert [text[chunk.start : chunk.end] for chunk in chunks] == list(pieces)
        assert [chunk.ordinal for chunk in chunks] == [0, 1, 2, 3]
        assert [chunk.page for chunk in chunks] == [1, 2, 3, 4]


def test_a_document_without_text_is_known_but_never_found(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        stored = store(library, new_document("blank.txt"))
        assert (stored.chunks, library.text(stored.id)) == (0, "")
        assert found_by_vectors(library, "anything") == []


def test_a_document_of_the_same_path_is_replaced_under_its_id(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        first = store(library, new_document("a.txt", "the old rule", "the old exception"))
        second = store(library, new_document("a.txt", "the new rule"))
        assert (second.id, second.version, second.chunks) == (first.id, 2, 1)
        assert library.documents() == [second]
        assert found_by_vectors(library, "old") == ["the new rule"]
        assert found_by_words(library, "old exception") == []
        assert found_by_words(library, "new rule") == ["the new rule"]


def test_the_same_path_in_two_collections_is_two_documents(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        one = store(library, new_document("a.txt", "first"), "one")
        two = store(library, new_document("a.txt", "second"), "two")
        assert one.id != two.id
        assert library.collections() == ["one", "two"]


def test_a_removed_document_is_found_by_neither_search(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        kept = store(library, new_document("kept.txt", "holidays in summer"))
        gone = store(library, new_document("gone.txt", "holidays in winter"), "old")
        assert found_by_vectors(library, "winter")[0] == "holidays in winter"
        assert library.remove(gone.id).document == gone
        assert library.documents() == [kept]
        assert library.collections() == ["default"]
        assert found_by_vectors(library, "winter") == ["holidays in summer"]
        assert found_by_words(library, "holidays winter") == ["holidays in summer"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        for ask in (library.document, library.text, library.chunks, library.remove):
            with pytest.raises(NotFound, match=r"no document 7 .*documents list"):
                ask(7)
        with pytest.raises(NotFound, match="no document 7"):
            library.touch(7, mtime_ns=1)
        assert library.revision == 0


def test_ids_are_never_used_again(tmp_path: Path) -> None:
    seen_documents: set[int] = set()
    seen_chunks: set[int] = set()
    for _ in range(3):
        with open_library(tmp_path) as library:
            stored = store(library, new_document("a.txt", "one", "two"))
            chunks = {chunk.id for chunk in library.chunks(stored.id)}
            stored = store(library, new_document("a.txt", "three"))
            chunks |= {chunk.id for chunk in library.chunks(stored.id)}
            assert len(chunks) == 3
            assert stored.id not in seen_documents
            assert not chunks & seen_chunks
            seen_documents.add(stored.id)
            seen_chunks |= chunks
            library.remove(stored.id)


def test_every_change_counts_one_revision_and_a_touch_none(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        assert library.revision == 0
        stored = store(library, new_document("a.txt", "one"))
        assert library.revision == 1
        library.touch(stored.id, mtime_ns=99)
        assert library.document(stored.id).mtime_ns == 99
        assert library.revision == 1
        library.remove(stored.id)
        assert library.revision == 2


def test_hits_that_are_gone_are_left_out_of_the_passages(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        stored = store(library, new_document("a.txt", "one", "two"))
        first, second = library.chunks(stored.id)
        passages = library.passages([Hit(second.id, 0.9), Hit(4711, 0.8), Hit(first.id, 0.1)])
        assert [(p.rank, p.score, p.chunk) for p in passages] == [(1, 0.9, second), (2, 0.1, first)]
        assert {p.document for p in passages} == {stored}
        assert library.passages([]) == []


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Two thousand chunks that are just the query, and one document that hardly fits it."""
    library = open_library(tmp_path_factory.mktemp("crowded"))
    query = EMBEDDER.embed_query("vacation")
    for number in range(4):
        document = new_document(f"crowd{number}.txt", *["vacation vacation"] * 500)
        library.store(document, np.tile(query, (500, 1)), collection=f"crowd{number % 2}")
    store(library, new_document("quiet.txt", "a long sentence on many things, one being vacation", "and more"), "quiet")
    yield library
    library.close()


@pytest.mark.parametrize(
    "scope",
    [Scope(documents=(5,)), Scope(collections=("quiet",)), Scope(collections=("quiet", "none"), documents=(1, 5))],
)
def test_a_scope_is_applied_before_scoring(crowded: Library, scope: Scope) -> None:
    by_vector = crowded.passages(crowded.search_vectors(EMBEDDER.embed_query("vacation"), 2, scope))
    by_words = crowded.passages(crowded.search_words("vacation", 2, scope))
    assert [p.document.name for p in by_vector] == ["quiet.txt", "quiet.txt"]
    assert [p.chunk.ordinal for p in by_words] == [0]
    assert [d.name for d in crowded.documents(scope)] == ["quiet.txt"]


@pytest.mark.parametrize(
    "scope",
    [
        Scope(documents=()),
        Scope(collections=()),
        Scope(collections=("none",)),
        Scope(("crowd0",), (5,)),
        Scope(("q%",)),
    ],
)
def test_an_empty_scope_finds_nothing(crowded: Library, scope: Scope) -> None:
    assert crowded.search_vectors(EMBEDDER.embed_query("vacation"), 5, scope) == []
    assert crowded.search_words("vacation", 5, scope) == []
    assert crowded.documents(scope) == []


def test_a_scope_may_name_more_documents_than_sqlite_takes_parameters(crowded: Library) -> None:
    scope = Scope(documents=tuple(range(5, 300_000)))
    assert len(crowded.search_vectors(EMBEDDER.embed_query("vacation"), 5, scope)) == 2
    assert len(crowded.search_words("vacation", 5, scope)) == 1


def test_a_collection_whose_name_begins_like_another_is_another(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "secret plan"), "team")
        for name in ("team\x00b", 'team"', "team'", "Team", "team ", "%", "te_m"):
            assert library.search_words("plan", 5, Scope(collections=(name,))) == []
            store(library, new_document(f"{name}.txt", "open plan"), name)
            hits = library.search_words("plan", 5, Scope(collections=(name,)))
            assert [p.chunk.text for p in library.passages(hits)] == ["open plan"]


def test_scores_are_cosines_whatever_the_length_of_the_vectors(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        vectors = np.zeros((2, EMBEDDER.dimensions), dtype=np.float32)
        vectors[0, 0], vectors[1, :2] = 40.0, (0.003, 0.004)
        library.store(new_document("a.txt", "east", "north"), vectors)
        query = np.zeros(EMBEDDER.dimensions, dtype=np.float32)
        query[0] = 7.0
        assert [round(hit.score, 3) for hit in library.search_vectors(query, 5)] == [1.0, 0.6]


@pytest.mark.parametrize("k", [0, -1, 1, 2, 1000])
def test_no_more_than_k_and_nothing_twice(tmp_path: Path, k: int) -> None:
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "one word", "two words", "three words"))
        for hits in (library.search_vectors(EMBEDDER.embed_query("word"), k), library.search_words("word", k)):
            assert len({hit.chunk_id for hit in hits}) == len(hits) == min(max(k, 0), 3)
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_words_are_found_by_stem_without_accents_and_in_titles(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        store(library, new_document("a.txt", "Employees carried days over to the café", title="Annual leave"))
        for query in ("carry employee", "CAFE", "annual", "what is a café?"):
            assert len(found_by_words(library, query)) == 1
        assert found_by_words(library, "canteen") == []


def test_stopwords_count_only_when_there_is_nothing_else() -> None:
    assert match_expression("What is the notice period?") == '"notice" OR "period"'
    assert match_expression("to be or not to be") == '"to" OR "be" OR "or" OR "not"'
    assert match_expression(" ?!… \x00 \ud800 \U0001f600") is None


def test_only_so_many_words_of_a_query_are_searched() -> None:
    expression = match_expression(" ".join(f"word{n}" for n in range(100_000)))
    assert expression is not None
    assert expression.count('"') == 2 * MAX_WORDS


HOSTILE = [
    "",
    '"',
    '""" OR',
    "AND OR NOT NEAR",
    "NEAR(vacation, 5)",
    "text: vacation",
    "-vacation ^vacation vacation*",
    "(((",
    "vacation'; DROP TABLE documents; --",
    ":expression ? ?1 @x $y",
    "\x00vacation\x00",
    "\udcff vacation",
    "休暇は何日ですか",
    "_ __ ___",
    "%s %d {0}",
    "vacation " * 12_500,
    "v" * 100_000,
    "?" * 100_000,
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_any_text_is_a_safe_query(crowded: Library, query: str) -> None:
    hits = crowded.search_words(query, 3)
    assert bool(hits) == ("vacation" in query)
    assert len(crowded.documents()) == 5


@given(query=st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_no_text_makes_the_search_by_words_fail(crowded: Library, query: str) -> None:
    assert all(hit.score == hit.score for hit in crowded.search_words(query, 3, Scope(collections=("quiet",))))


@given(word=st.text(st.characters(categories=["L", "Nd"], max_codepoint=0x24F), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_stored_word_finds_its_chunk(word: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_library(tmp_path_factory.mktemp("word")) as library:
        store(library, new_document("a.txt", f"before {word} after"))
        assert found_by_words(library, f'"{word}"?') == [f"before {word} after"]


def test_a_text_that_is_no_unicode_is_refused_and_nothing_of_it_kept(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        for document in (new_document("bad\udcff.txt", "fine"), new_document("b.txt", "bad \ud800 text")):
            with pytest.raises(LibraryError, match="no valid Unicode"):
                library.store(document, np.ones((1, EMBEDDER.dimensions), dtype=np.float32))
        assert library.documents() == []
        assert library.revision == 0


def test_vectors_that_nothing_can_be_near_to_are_refused(tmp_path: Path) -> None:
    document = new_document("a.txt", "one", "two")
    with open_library(tmp_path) as library:
        for bad in (0.0, np.nan, np.inf):
            vectors = vectors_of(document)
            vectors[1] = bad
            with pytest.raises(LibraryError, match=r"piece 2 of a\.txt"):
                library.store(document, vectors)
        assert contents(library) == {}


def test_misuse_is_a_value_error(tmp_path: Path) -> None:
    document = new_document("a.txt", "one", "two")
    with open_library(tmp_path) as library:
        with pytest.raises(ValueError, match="shape"):
            library.store(document, vectors_of(document)[:1])
        with pytest.raises(ValueError, match="shape"):
            library.store(document, vectors_of(document)[:, :8])
        with pytest.raises(ValueError, match="shape"):
            library.search_vectors(np.ones(8, dtype=np.float32), 1)
        with pytest.raises(ValueError, match="no piece"):
            library.store(_with_span(document, Span(0, 999)), vectors_of(document)[:1])
        with pytest.raises(ValueError, match="no piece"):
            library.store(_with_span(document, Span(3, 3)), vectors_of(document)[:1])
        assert library.documents() == []


def test_threads_share_a_library(tmp_path: Path) -> None:
    failures: list[str] = []

    def write(library: Library, number: int) -> None:
        for round_number in range(5):
            store(library, new_document(f"{number}.txt", f"round {round_number} of {number}", "more"))

    def read(library: Library) -> None:
        for _ in range(20):
            hits = library.search_vectors(EMBEDDER.embed_query("round"), 50)
            passages = library.passages(hits)
            texts = {d.id: d.version for d in library.documents()}
            failures.extend(p.chunk.text for p in passages if p.document.version > texts[p.document.id])
            if len({hit.chunk_id for hit in hits}) != len(hits):
                failures.append("twice")

    with open_library(tmp_path) as library:
        threads = [Thread(target=write, args=(library, n)) for n in range(3)]
        threads += [Thread(target=read, args=(library,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert {d.version for d in library.documents()} == {5}
        assert library.verify().problems == ()


def _with_span(document: NewDocument, span: Span) -> NewDocument:
    return NewDocument(
        **{name: getattr(document, name) for name in NewDocument.__dataclass_fields__ if name != "spans"}, spans=(span,)
    )
