"""A library that goes over to another embedder is searched all along, and a kill on the way costs nothing."""

import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag_app.benchmark_search import DIMENSIONS
from tests.large_libraries import PIECES, QUERIES, VECTORS, form, nearest, open_large, recall
from tests.libraries import index_file, start_python


@pytest.fixture
def folder(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed, tmp_path / "library"))


def test_questions_are_answered_while_the_library_is_embedded_anew(folder: Path) -> None:
    """The old vectors answer until the last new one is there; then the holder of the old embedder is told."""
    switched: list[bool] = []
    with open_large(folder) as page, open_large(folder) as worker:

        def embed(texts: list[str]) -> NDArray[np.float32]:
            switched.append(page.search_vectors(QUERIES[0], 1)[0].chunk_id not in nearest(QUERIES[0], 1))
            return np.asarray(VECTORS[: len(texts), :32] + 1.0, dtype=np.float32)

        worker.rebuild(embed, embedder="other", dimensions=32)
        assert len(switched) > 5
        assert not any(switched)
        assert worker.embedder == ("other", 32)
        assert worker.verify().problems == ()
        with pytest.raises(Exception, match="made by other .32 dimensions., not by made"):
            page.search_vectors(QUERIES[0], 1)
    assert form(folder) == len(VECTORS)


EVERY = np.random.default_rng(3).standard_normal((len(VECTORS), 32)).astype(np.float32)
"""What another embedder makes of the chunks, by their ids."""


def embed_otherwise(texts: list[str]) -> NDArray[np.float32]:
    numbers = [(int(text.split(".")[0]), int(text.split()[-1])) for text in (t.rpartition("\n")[2] for t in texts)]
    return np.stack([EVERY[document * PIECES + piece] for document, piece in numbers])


def test_no_search_waits_for_an_index_while_a_library_goes_over_to_another_embedder(folder: Path) -> None:
    asked = dict[str, list[int]](made=[], other=[])
    with open_large(folder) as library:
        found = library.search_vectors(QUERIES[0], 5)
        old = library._index._index
        worker = threading.Thread(
            target=library.rebuild, args=(embed_otherwise,), kwargs={"embedder": "other", "dimensions": 32}
        )
        worker.start()
        while library.embedder == ("made", DIMENSIONS):
            try:
                asked["made"].append(library.search_vectors(QUERIES[0], 1)[0].chunk_id)
            except ValueError:
                # It went over between the two.
                assert library.embedder == ("other", 32)
            assert library._index._index is not None
        while worker.is_alive():
            asked["other"].append(library.search_vectors(EVERY[70], 1)[0].chunk_id)
        worker.join()
        assert set(asked["made"]) == {found[0].chunk_id}
        assert library.search_vectors(EVERY[70], 1)[0].chunk_id == 71
        assert set(asked["other"]) <= {71}
        assert library._index._index is not old
        assert library.verify().problems == ()
    assert form(folder) == len(VECTORS)
    assert list(index_file(folder).parent.glob("*.next")) == []


def test_the_index_of_a_change_that_never_came_is_not_loaded(folder: Path) -> None:
    with open_large(folder) as library:
        library._index.prepare(library._database, "other", 32)
    index_file(folder).unlink(missing_ok=True)
    with open_large(folder) as library:
        library.search_vectors(QUERIES[0], 5)
        assert library._index._successor._index is None
    assert len(list(index_file(folder).parent.glob("*.next"))) == 1


@pytest.mark.parametrize("moment", ["embedded", "prepared", "gone over"])
def test_a_change_of_embedder_that_was_killed_goes_on(folder: Path, moment: str) -> None:
    with start_python(CHANGER, str(folder), moment) as process:
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    embedded: list[str] = []

    def embed_and_tell(texts: list[str]) -> NDArray[np.float32]:
        embedded.extend(texts)
        return embed_otherwise(texts)

    if moment == "gone over":
        with open_large(folder, embedder="other", dimensions=32) as library:
            assert library.search_vectors(EVERY[70], 1)[0].chunk_id == 71
            index = library._index._index
            assert index is not None
            assert index.made_for == len(VECTORS)
    else:
        with open_large(folder) as library:
            assert recall(library) > 0.95
            library.rebuild(embed_and_tell, embedder="other", dimensions=32)
            assert library.search_vectors(EVERY[70], 1)[0].chunk_id == 71
            assert library.verify().problems == ()
    assert embedded == []


CHANGER = """
import os, signal, sys
from pathlib import Path
from rag_app.library import reembedding
from rag_app.library.cached_index import CachedIndex
from tests.large_libraries import open_large
from tests.test_library_successor import embed_otherwise

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

moment = sys.argv[2]
library = open_large(Path(sys.argv[1]))
if moment == "embedded":
    CachedIndex.prepare = die
elif moment == "prepared":
    reembedding.bring_up = die
else:
    CachedIndex.settle = die
library.rebuild(embed_otherwise, embedder="other", dimensions=32)
"""
