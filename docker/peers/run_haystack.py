"""Haystack: a pipeline of router, converters, joiner, cleaner, splitter, embedder and writer.

Its splitter counts words; 120 of them are about 160 tokens of the model.
"""

from importlib.metadata import version

from haystack import Pipeline
from haystack.components.converters import (
    CSVToDocument,
    DOCXToDocument,
    HTMLToDocument,
    MarkdownToDocument,
    PyPDFToDocument,
    TextFileToDocument,
)
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.routers import FileTypeRouter
from haystack.components.writers import DocumentWriter
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import SentenceTransformersDocumentEmbedder
from reporting import Run

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
CONVERTERS = {
    "text/plain": TextFileToDocument,
    "text/x-rst": TextFileToDocument,
    "text/markdown": MarkdownToDocument,
    "text/html": HTMLToDocument,
    "text/csv": CSVToDocument,
    "application/pdf": PyPDFToDocument,
    DOCX: DOCXToDocument,
}

run = Run()
store = InMemoryDocumentStore()
pipeline = Pipeline()
pipeline.add_component("router", FileTypeRouter(list(CONVERTERS), additional_mimetypes={"text/x-rst": ".rst"}))
pipeline.add_component("joiner", DocumentJoiner())
for number, (mime, converter) in enumerate(CONVERTERS.items()):
    options = {"store_full_path": True}
    if converter is MarkdownToDocument:
        options["progress_bar"] = False
    pipeline.add_component(f"converter_{number}", converter(**options))
    pipeline.connect(f"router.{mime}", f"converter_{number}.sources")
    pipeline.connect(f"converter_{number}", "joiner")
pipeline.add_component("cleaner", DocumentCleaner())
pipeline.add_component("splitter", DocumentSplitter(split_by="word", split_length=120, split_overlap=15))
embedder = SentenceTransformersDocumentEmbedder(model=str(run.model), progress_bar=False)
pipeline.add_component("embedder", embedder)
pipeline.add_component("writer", DocumentWriter(store))
pipeline.connect("joiner", "cleaner")
pipeline.connect("cleaner", "splitter")
pipeline.connect("splitter", "embedder")
pipeline.connect("embedder", "writer")
pipeline.warm_up()
run.loaded()

pipeline.run({"router": {"sources": run.files}})
store.save_to_disk(str(run.store))
documents = store.filter_documents()
run.finish(version("haystack-ai"), ((document.meta["file_path"], document.content) for document in documents))
