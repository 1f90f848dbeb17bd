"""Embed texts with any sentence-transformers model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from rag_app.models.devices import choose_dtype
from rag_app.models.quiet import quietly

BATCH = 32


class SentenceEncoder:
    """Turns texts into vectors. Several threads may use it, one after another."""

    def __init__(self, folder: Path, *, device: torch.device) -> None:
        """Load the model; never asks the network, never runs its code.

        Raises:
            OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError: it is no such model.
        """
        with quietly():
            model = SentenceTransformer(
                str(folder),
                device=str(device),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": choose_dtype(device), "use_safetensors": True},
            )
        dimensions = model.get_embedding_dimension()
        if dimensions is None:
            raise ValueError("it does not say how long its vectors are")
        self.dimensions = dimensions
        self.max_tokens = _max_tokens(model)
        self.tokenizer = model.tokenizer
        self.device = device
        self._model = model.eval()
        # A tokenizer that two threads use at once raises "Already borrowed".
        self._lock = Lock()

    def encode(self, texts: Sequence[str], on_progress: Callable[[int], None] | None) -> NDArray[np.float32]:
        """Return the vector of every text, (n, dimensions), as a passage. Texts of like length share a batch.

        Raises:
            RuntimeError: the device cannot compute them.
        """
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for low in range(0, len(order), BATCH):
            rows = order[low : low + BATCH]
            vectors[rows] = self._encode([texts[row] for row in rows], self._model.encode_document)
            if on_progress:
                on_progress(low + len(rows))
        return vectors

    def encode_query(self, text: str) -> NDArray[np.float32]:
        """Return the vector of one text, (1, dimensions), as a query."""
        return self._encode([text], self._model.encode_query)

    def _encode(self, texts: list[str], encode: Callable[..., Any]) -> NDArray[np.float32]:
        with self._lock:
            raw = encode(texts, batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        return np.asarray(raw, dtype=np.float32)


def _max_tokens(model: SentenceTransformer) -> int:
    if limit := model.max_seq_length:
        return int(limit)
    # Models that name no limit are bounded by their tokenizer, which says 10**30 when it has none either.
    return int(min(getattr(model.tokenizer, "model_max_length", 512), 8192))
