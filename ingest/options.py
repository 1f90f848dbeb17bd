"""What an ingestion is told, and what it needs of an embedder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ingest.orders import Limits
from ingest.readers import READERS_VERSION
from ingest.readers.tesseract import find_program
from ingest.splitting import SPLITTING_VERSION, ChunkSizes


class PassageEmbedder(Protocol):
    """What ingestion needs of an embedding model."""

    @property
    def name(self) -> str: ...
    @property
    def max_tokens(self) -> int: ...
    def count_tokens(self, text: str) -> int: ...
    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]: ...


@runtime_checkable
class HasTokenizer(Protocol):
    """An embedder whose tokenizer lies in a folder from which reader processes can load it; None if it does not."""

    @property
    def tokenizer_folder(self) -> Path | None: ...


@runtime_checkable
class LoadsLate(Protocol):
    """An embedder that is loaded when it is first used, or in the background from when it is told to."""

    def begin_loading(self) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest. ``workers`` 0 means as many as the machine has use for; limits are for each file.

    ``retry_failed`` reads files again that failed before, ``force`` removes documents even if most of a folder is gone,
    ``leave_out`` are folders that are no part of what is ingested, such as rag_app's own.
    """

    collection: str = "default"
    dry_run: bool = False
    workers: int = 0
    chunk_tokens: int = 160
    chunk_overlap: int = 20
    max_file_bytes: int = 100 * 2**20
    max_characters: int = 250_000_000
    read_seconds: float = 120.0
    read_memory_bytes: int = 2 * 2**30
    retry_failed: bool = False
    force: bool = False
    leave_out: tuple[Path, ...] = ()

    @property
    def limits(self) -> Limits:
        return Limits(self.max_file_bytes, self.read_seconds, self.read_memory_bytes, self.max_characters)

    @property
    def reader(self) -> str:
        """What a failure to read depends on, besides the file."""
        megabytes = self.read_memory_bytes // 2**20
        recognition = "with" if find_program() else "without"
        limits = f"{self.read_seconds:g} s, {megabytes} MB, {self.max_characters} characters"
        return f"{READERS_VERSION}, {limits}, {recognition} text recognition"

    def reading(self, embedder: PassageEmbedder) -> str:
        """How documents are read and split: those that were read in another way are read again.

        Of the embedder only its name counts, which is known before it is loaded.
        """
        sizes = f"{self.chunk_tokens} tokens, {self.chunk_overlap} shared, of {embedder.name}"
        return f"readers {READERS_VERSION}, splitting {SPLITTING_VERSION}, {sizes}"

    def sizes(self, embedder: PassageEmbedder) -> ChunkSizes:
        return ChunkSizes(self.chunk_tokens, self.chunk_overlap, embedder.max_tokens)
