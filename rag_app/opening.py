"""Open a library and ingest into it, by the settings, without loading a model before one is needed.

Importing torch and loading an embedder takes seconds; to see that nothing has changed takes less than one.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from ingest.options import IngestOptions
from rag_app.errors import SettingsError
from rag_app.library import Library
from rag_app.models.catalogue import ModelSource, resolve_model
from rag_app.models.counting import TokenCounter, load_counter, tokenizer_file
from rag_app.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag_app.models.embedding import Embedder


class MakesVectors(Protocol):
    """The identity of what makes a library's vectors."""

    @property
    def name(self) -> str: ...
    @property
    def dimensions(self) -> int: ...


def open_library(settings: Settings, embedder: MakesVectors | None = None, *, read_only: bool = False) -> Library:
    """Open the library in the settings' home; without an embedder it can be read but not searched by meaning."""
    return Library.open(
        settings.url,
        index_folder=settings.home / "index",
        embedder=embedder.name if embedder else None,
        dimensions=embedder.dimensions if embedder else None,
        read_only=read_only,
    )


def open_embedder(settings: Settings) -> "Embedder":
    """Load the embedder that the settings name."""
    return _load(settings, resolve_model(settings.embedder, kind="embedder", home=settings.home))


def use_threads(settings: Settings) -> None:
    """Let the models use as many threads as the settings say."""
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)


def ingest_options(settings: Settings, *, collection: str, dry_run: bool = False, workers: int = 0) -> IngestOptions:
    """Return how to ingest, by the settings."""
    if not collection.strip():
        raise SettingsError("The name of a collection is empty. Give one, such as 'default'.")
    home = settings.home
    return IngestOptions(
        collection=collection,
        dry_run=dry_run,
        workers=workers,
        chunk_tokens=settings.chunk_tokens,
        chunk_overlap=settings.chunk_overlap,
        max_file_bytes=settings.max_file_mb * 2**20,
        leave_out=(home, home / "index", home / "logs", home / "models"),
    )


class LateEmbedder:
    """The embedder that the settings name, loaded in the background once there is something to embed.

    ``on_load`` is called with it before it embeds anything.
    """

    def __init__(self, settings: Settings, *, on_load: Callable[["Embedder"], None]) -> None:
        self._settings = settings
        self._on_load = on_load
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loading")
        # Checking the weights takes a fraction of a second, in which other things can be done.
        self._source = self._thread.submit(resolve_model, settings.embedder, kind="embedder", home=settings.home)
        self._loading: Future[Embedder] | None = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        return self._folder_of().identity

    @property
    def dimensions(self) -> int:
        return self._loaded().dimensions

    @cached_property
    def max_tokens(self) -> int:
        return _max_tokens(self._folder_of().folder) or self._loaded().max_tokens

    @property
    def tokenizer_folder(self) -> Path | None:
        folder = self._folder_of().folder
        return folder if tokenizer_file(folder).is_file() else None

    def count_tokens(self, text: str) -> int:
        return self._counter.count(text) if self._counter else self._loaded().count_tokens(text)

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> "NDArray[np.float32]":
        return self._loaded().embed_passages(texts, on_progress)

    def begin_loading(self) -> None:
        """Load in the background, if that has not begun yet."""
        with self._lock:
            if self._loading is None:
                self._loading = self._thread.submit(self._load)

    def close(self) -> None:
        """Wait for what was begun."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    @cached_property
    def _counter(self) -> TokenCounter | None:
        return load_counter(self.tokenizer_folder) if self.tokenizer_folder else None

    def _folder_of(self) -> ModelSource:
        return self._source.result()

    def _loaded(self) -> "Embedder":
        self.begin_loading()
        assert self._loading is not None
        return self._loading.result()

    def _load(self) -> "Embedder":
        embedder = _load(self._settings, self._source.result())
        self._on_load(embedder)
        return embedder


def agree_on_embedder(library: Library, embedder: MakesVectors) -> None:
    """Make sure that a library's vectors are those of an embedder, if it has any.

    Raises:
        EmbedderMismatch: they are another's.
    """
    known = library.embedder
    if known and known[0] != embedder.name:
        library.choose_embedder(embedder.name, embedder.dimensions)


def _load(settings: Settings, source: ModelSource) -> "Embedder":
    from rag_app.models.embedding import load_embedder

    use_threads(settings)
    return load_embedder(source, device=settings.device)


def _max_tokens(folder: Path) -> int | None:
    """Return how many tokens an embedder reads, where its folder says so without its being loaded."""
    try:
        limit = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))["max_seq_length"]
        return int(limit) if limit else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
