"""A stand-in for an embedder, in a module that imports no model: tests start many processes with it."""

import re
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


class FakeEmbedder:
    """Embeds a text as the normalised sum of one random direction per word: texts that share words are near."""

    def __init__(self, *, name: str = "fake", dimensions: int = 64, max_tokens: int = 256) -> None:
        self.name = name
        self.dimensions = dimensions
        self.max_tokens = max_tokens
        self.embedded: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(re.findall(r"\w+|[^\w\s]", text))

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        self.embedded.extend(texts)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(text)
            if on_progress:
                on_progress(row + 1)
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        return self._vector(text)

    def _vector(self, text: str) -> NDArray[np.float32]:
        total = np.full(self.dimensions, 1e-3, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            seed = zlib.crc32(f"{self.name}:{word}".encode())
            total += np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)
        unit: NDArray[np.float32] = total / np.linalg.norm(total)
        return unit
