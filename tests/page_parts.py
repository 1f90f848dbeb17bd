"""An application for the pages that needs no models: the real library and assistant, with the hand-written fakes."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import cast

from rag_app.answering.assistant import Assistant, Limits
from rag_app.assembly import Application
from rag_app.library import Library
from rag_app.models.embedding import Embedder
from rag_app.models.evidence import EvidenceModel
from rag_app.models.generation import Generator
from rag_app.records import Document, NewDocument, Span
from rag_app.settings import load_settings
from tests.fakes import FakeEmbedder, ScriptedGenerator, WordEvidence


@lru_cache(maxsize=1)
def open_page(home: Path, *lines: str) -> Application:
    """Return the application on a folder, the same one for every run of a page's script."""
    settings = load_settings({"home": home, "threshold": 0.9}, {})
    embedder, evidence, generator = FakeEmbedder(), WordEvidence(), ScriptedGenerator(*lines)
    library = Library.open(
        settings.url, index_folder=home / "index", embedder=embedder.name, dimensions=embedder.dimensions
    )
    assistant = Assistant(library, embedder, evidence=evidence, generator=generator, limits=Limits(threshold=0.9))
    return Application(
        settings,
        cast(Embedder, embedder),
        library,
        cast(EvidenceModel, evidence),
        cast(Generator, generator),
        None,
        assistant,
    )


def store_text(application: Application, name: str, text: str, *, root: Path, collection: str = "default") -> Document:
    """Store a text as a document of one chunk, whose file is ``root / name``."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    document = NewDocument(
        name=name,
        path=str(path),
        root=str(root),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size=path.stat().st_size,
        mtime_ns=path.stat().st_mtime_ns,
        title=Path(name).stem,
        text=text,
        pages=None,
        spans=(Span(0, len(text)),),
    )
    return application.library.store(document, application.embedder.embed_passages([text]), collection=collection)
