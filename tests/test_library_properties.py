"""Whatever is done to a library, it holds what a plain dictionary would."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rag_app.records import Scope
from tests.libraries import EMBEDDER, index_file, new_document, open_library, store

NAMES = st.sampled_from(["a.txt", "b.txt", "c.txt"])
COLLECTIONS = st.sampled_from(["one", "two"])
PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=4)


class LibraryMachine(RuleBasedStateMachine):
    """Stores, removes and reopens at random, and keeps in ``model`` what should be there."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.library = open_library(self.folder)
        self.model: dict[tuple[str, str], tuple[int, list[str]]] = {}
        self.ids: dict[tuple[str, str], int] = {}
        self.dead_chunks: set[int] = set()

    @rule(name=NAMES, collection=COLLECTIONS, pieces=PIECES)
    def store(self, name: str, collection: str, pieces: list[str]) -> None:
        key = (collection, name)
        if key in self.model:
            self.dead_chunks |= {chunk.id for chunk in self.library.chunks(self.ids[key])}
        stored = store(self.library, new_document(name, *pieces), collection)
        assert self.ids.setdefault(key, stored.id) == stored.id
        self.model[key] = (self.model.get(key, (0, []))[0] + 1, pieces)
        assert stored.version == self.model[key][0]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        self.dead_chunks |= {chunk.id for chunk in self.library.chunks(self.ids[key])}
        self.library.remove(self.ids.pop(key))
        del self.model[key]

    @rule()
    def reopen(self) -> None:
        self.library.close()
        self.library = open_library(self.folder)

    @rule()
    def lose_the_index(self) -> None:
        self.library.close()
        index_file(self.folder).unlink(missing_ok=True)
        self.library = open_library(self.folder)

    @rule()
    def let_an_older_index_return(self) -> None:
        file = index_file(self.folder)
        self.library.close()
        older = file.read_bytes() if file.exists() else b""
        self.library = open_library(self.folder)
        store(self.library, new_document("passing.txt", "passing"))
        self.library.search_vectors(EMBEDDER.embed_query("passing"), 1)
        passing = next(d for d in self.library.documents() if d.name == "passing.txt")
        self.dead_chunks |= {chunk.id for chunk in self.library.chunks(passing.id)}
        self.library.remove(passing.id)
        self.library.close()
        file.write_bytes(older)
        self.library = open_library(self.folder)

    @rule(query=st.text(max_size=10), collection=COLLECTIONS)
    def search(self, query: str, collection: str) -> None:
        scope = Scope(collections=(collection,))
        allowed = {key: pieces for key, (_, pieces) in self.model.items() if key[0] == collection}
        hits = self.library.search_vectors(EMBEDDER.embed_query(query), 50, scope)
        found = sorted((p.document.name, p.chunk.text) for p in self.library.passages(hits))
        assert found == sorted((name, piece) for (_, name), pieces in allowed.items() for piece in pieces)
        words = self.library.passages(self.library.search_words(query, 50, scope))
        assert all(p.chunk.text in allowed[p.document.collection, p.document.name] for p in words)

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        documents = self.library.documents()
        assert {(d.collection, d.name): d.version for d in documents} == {
            key: version for key, (version, _) in self.model.items()
        }
        for document in documents:
            pieces = self.model[document.collection, document.name][1]
            chunks = self.library.chunks(document.id)
            assert [chunk.text for chunk in chunks] == pieces
            assert self.library.text(document.id) == "".join(piece + "\n" for piece in pieces)
            assert not self.dead_chunks & {chunk.id for chunk in chunks}
        hits = self.library.search_vectors(EMBEDDER.embed_query("anything"), 100)
        assert len(hits) == sum(len(pieces) for _, pieces in self.model.values())
        assert not self.dead_chunks & {hit.chunk_id for hit in hits}

    def teardown(self) -> None:
        assert self.library.verify().problems == ()
        self.library.close()
        self.place.cleanup()


LibraryMachine.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None)
TestLibraryMachine = LibraryMachine.TestCase
