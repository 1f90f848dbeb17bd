"""An index that is only roughly right finds what an exact search finds, and never more than the library holds."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rag_app.benchmark_search import DIMENSIONS
from rag_app.library import Library
from rag_app.library.database import Database
from rag_app.library.index_building import build_fitting
from rag_app.library.vector_index import Sizes, Stamp, VectorIndex
from rag_app.records import Scope
from tests.large_libraries import (
    DOCUMENTS,
    PIECES,
    QUERIES,
    SIZES,
    VECTORS,
    form,
    nearest,
    open_large,
    recall,
    store_vectors,
)
from tests.libraries import index_file, start_python, url_in


@pytest.fixture(scope="module")
def reader(indexed: Path) -> Iterator[Library]:
    with open_large(indexed) as library:
        yield library


@pytest.fixture
def folder(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed, tmp_path / "library"))


@pytest.fixture
def unindexed(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "library"))


def test_a_rough_index_finds_nearly_all_and_scores_exactly(indexed: Path, reader: Library) -> None:
    assert form(indexed) == len(VECTORS)
    assert recall(reader) > 0.95
    for query in QUERIES:
        hits = reader.search_vectors(query, 10)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        exact = nearest(query, len(VECTORS))
        assert [hit.score for hit in hits] == pytest.approx([exact[hit.chunk_id] for hit in hits], abs=1e-5)
    assert reader.verify().problems == ()


def test_a_rough_index_is_small(indexed: Path) -> None:
    # One bit for each dimension and 16 bytes, beside the centroids and the rotation.
    fixed = 4 * DIMENSIONS * (DIMENSIONS + 256) + 20_000
    assert index_file(indexed).stat().st_size < len(VECTORS) * (DIMENSIONS // 8 + 16) + fixed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.sets(st.integers(1, DOCUMENTS + 3)), query=st.integers(0, len(QUERIES) - 1), k=st.integers(1, 12))
def test_a_restricted_search_is_exact_in_its_restriction(
    reader: Library, documents: set[int], query: int, k: int
) -> None:
    allowed = np.repeat(np.isin(np.arange(1, DOCUMENTS + 1), list(documents)), PIECES)
    hits = reader.search_vectors(QUERIES[query], k, Scope(documents=tuple(sorted(documents))))
    assert all(allowed[hit.chunk_id - 1] for hit in hits)
    assert len(hits) == min(k, int(allowed.sum()))
    if allowed.sum() <= SIZES.compared:
        expected = nearest(QUERIES[query], k, allowed)
        assert [hit.score for hit in hits] == pytest.approx(sorted(expected.values(), reverse=True), abs=1e-5)


def test_a_scope_is_looked_up_again_when_the_library_changes(folder: Path) -> None:
    scope = Scope(collections=("default",))
    with open_large(folder) as library:
        library.search_vectors(QUERIES[0], 3, scope)
        added = store_vectors(library, "new.txt", QUERIES[:1])
        assert library.search_vectors(QUERIES[0], 1, scope)[0].chunk_id == library.chunks(added.id)[0].id
        library.remove(added.id)
        assert {hit.chunk_id for hit in library.search_vectors(QUERIES[0], 3, scope)} <= set(range(1, len(VECTORS) + 1))


def test_what_changes_after_the_index_was_built_is_found_and_forgotten(folder: Path) -> None:
    with open_large(folder) as library:
        best = library.passages(library.search_vectors(QUERIES[0], 1))[0]
        added = store_vectors(library, "new.txt", QUERIES)
        assert library.passages(library.search_vectors(QUERIES[3], 1))[0].chunk.text == "new.txt piece 3"
        library.remove_many([best.document.id, added.id])
        found = library.passages(library.search_vectors(QUERIES[0], 50))
        assert not {best.document.id, added.id} & {passage.document.id for passage in found}
        assert library.verify().problems == ()
    with open_large(folder) as library:
        assert library.verify().problems == ()
        assert form(folder) == len(VECTORS)


def until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_library_that_outgrew_its_index_gets_another_one_while_it_is_searched(unindexed: Path) -> None:
    with open_large(unindexed) as library:
        # The quick index compares all; so does the one that replaces it, as far as one can tell from outside.
        assert recall(library) > 0.99
        until(lambda: VectorIndex.stamp_of(index_file(unindexed)) is not None and form(unindexed) == len(VECTORS))
        assert recall(library) > 0.95
        assert library.verify().problems == ()


def test_closing_a_library_ends_the_building(unindexed: Path) -> None:
    threads = threading.active_count()
    with open_large(unindexed) as library:
        library.search_vectors(QUERIES[0], 1)
    assert threading.active_count() == threads
    with open_large(unindexed) as library:
        assert library.verify().problems == ()


def test_changes_during_the_building_are_in_the_index(unindexed: Path) -> None:
    database = Database(url_in(unindexed))
    asked = 0
    with open_large(unindexed) as library:

        def change() -> bool:
            nonlocal asked
            asked += 1
            # While the centroids are found, and after the first batch of vectors is in.
            if asked in (3, 8):
                library.remove(asked)
                store_vectors(library, "new.txt", QUERIES[:asked])
                assert library.search_vectors(QUERIES[0], 1)[0].score > 0.999
            return True

        index = build_fitting(database, sizes=SIZES, keep_going=change)
        assert index is not None
        assert asked == 9
        living = [chunk.id for document in library.documents() for chunk in library.chunks(document.id)]
        assert index.ids().tolist() == sorted(living)
        assert index.stamp.revision == library.revision
    database.close()


def test_a_building_that_is_not_wanted_any_more_ends(unindexed: Path) -> None:
    database = Database(url_in(unindexed))
    for calls in (0, 4, 7):
        left = iter([True] * calls)

        def keep_going(answers: Iterator[bool] = left) -> bool:
            return next(answers, False)

        assert build_fitting(database, sizes=SIZES, keep_going=keep_going) is None
    database.close()


def test_an_index_that_another_process_builds_is_taken_over(unindexed: Path) -> None:
    with open_large(unindexed) as library, open_large(unindexed) as other:
        with FileLock(index_file(unindexed).with_name("vectors.index.building")):
            library.search_vectors(QUERIES[0], 1)
            assert not index_file(unindexed).exists()
            other.settle_index()
            # An index of the wrong form is not saved over one of the right.
            store_vectors(library, "new.txt", QUERIES)
            library.search_vectors(QUERIES[0], 1)
        library.close()
        assert form(unindexed) == len(VECTORS)
        assert other.verify().problems == ()


def damage_codes(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)


def plant(file: Path, *, chunk_id: int, vector: NDArray[np.float32]) -> None:
    index = VectorIndex.load(file, sizes=SIZES)
    assert index is not None
    ids = np.array([chunk_id], dtype=np.int64)
    index.replace(ids[:0], ids, vector[None, :])
    index.save(file)


def test_a_damaged_rough_index_is_made_anew(folder: Path) -> None:
    damage_codes(index_file(folder))
    with open_large(folder) as library:
        assert recall(library) > 0.99
        library.settle_index()
        assert recall(library) > 0.95
        assert library.verify().problems == ()
    assert form(folder) == len(VECTORS)


def test_verify_tells_a_planted_vector_from_a_rounded_one(folder: Path) -> None:
    plant(index_file(folder), chunk_id=7, vector=VECTORS[70])
    plant(index_file(folder), chunk_id=9999, vector=VECTORS[0])
    index = VectorIndex.load(index_file(folder), sizes=SIZES)
    assert index is not None
    index.replace(np.array([12]), np.empty(0, dtype=np.int64), VECTORS[:0])
    index.save(index_file(folder))
    with open_large(folder) as library:
        details = sorted(problem.detail for problem in library.verify().problems)
        assert [detail.split(";")[0] for detail in details] == [
            "the index holds a vector of chunk 9999, which is gone",
            "the index holds another vector than the library for chunk 7",
            "the vector of chunk 12 is not in the index",
        ]
        library.rebuild()
        assert library.verify().problems == ()


def test_an_index_that_invents_chunks_is_made_anew_at_the_first_search_that_meets_one(folder: Path) -> None:
    plant(index_file(folder), chunk_id=9999, vector=QUERIES[0])
    with open_large(folder) as library:
        expected = list(nearest(QUERIES[0], 3))
        assert [hit.chunk_id for hit in library.search_vectors(QUERIES[0], 3)] == expected
        assert library.verify().problems == ()


BUILDER = """
import sys
from pathlib import Path
from tests.test_library_large import open_large
library = open_large(Path(sys.argv[1]))
print("open", flush=True)
library.rebuild()
print("built", flush=True)
library.close()
"""


def test_a_kill_while_the_index_is_built_or_saved_leaves_a_whole_library(unindexed: Path) -> None:
    for patience in (0.02, 0.2):
        with start_python(BUILDER, str(unindexed)) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            time.sleep(patience)
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        with open_large(unindexed) as library:
            assert library.verify().problems == ()
            assert recall(library) > 0.95
        index_file(unindexed).unlink(missing_ok=True)


def test_a_small_library_is_searched_exactly_and_goes_back_to_that(folder: Path) -> None:
    with open_large(folder) as library:
        library.remove_many([document.id for document in library.documents() if document.id > 3])
        library.settle_index()
        assert form(folder) == 0
        allowed = np.arange(len(VECTORS)) < 3 * PIECES
        hits = library.search_vectors(QUERIES[0], 5)
        assert [hit.chunk_id for hit in hits] == list(nearest(QUERIES[0], 5, allowed))


def test_the_form_of_an_index_follows_the_number_of_its_vectors() -> None:
    sizes = Sizes()
    assert VectorIndex(Stamp(1, "t", "e", 2)).fits(50_000)
    assert not VectorIndex(Stamp(1, "t", "e", 2)).fits(50_001)
    counts = (50_001, 200_000, 200_001, 1_000_000, 10_000_000)
    assert [sizes.lists(count) for count in counts] == [1, 1, 2048, 4096, 16_384]
