"""rag_app: the library of its own, in an empty home."""

from importlib.metadata import version

from reporting import Run

from ingest.pipeline import ingest_folder
from rag_app.opening import ingest_options, open_embedder, open_library
from rag_app.settings import load_settings

run = Run()
settings = load_settings({"home": run.store, "embedder": str(run.model)}, {})
embedder = open_embedder(settings)
run.loaded()

with open_library(settings, embedder) as library:
    ingest_folder(run.folder, library, embedder, options=ingest_options(settings, collection="default"))
    run.finish(
        version("rag_app"),
        ((document.path, chunk.text) for document in library.documents() for chunk in library.chunks(document.id)),
    )
