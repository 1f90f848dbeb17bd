"""Turn texts into vectors with a sentence-transformers model."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from rag_app.errors import ModelError
from rag_app.models.catalogue import ModelSource
from rag_app.models.counting import tokenizer_file
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.quiet import quietly

BATCH = 32


class Embedder:
    """Embeds texts as unit vectors whose dot product is their cosine similarity.

    ``name`` identifies the model and its weights, ``dimensions`` is the length of a vector, and text beyond
    ``max_tokens`` tokens (special tokens included) does not reach the vector. ``tokenizer_folder`` is where another
    process can load its tokenizer from. May be used from several threads.
    """

    def __init__(self, model: SentenceTransformer, *, name: str, tokenizer_folder: Path | None = None) -> None:
        dimensions = model.get_embedding_dimension()
        if dimensions is None:
            raise ModelError(f"{name} does not say how long its vectors are. Choose another embedder.")
        self.name = name
        self.dimensions = dimensions
        self.max_tokens = _max_tokens(model)
        self.tokenizer_folder = tokenizer_folder
        self._model = model.eval()
        self._counter = _Counter(model.tokenizer)
        # A tokenizer that two threads use at once raises "Already borrowed".
        self._lock = Lock()

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, special tokens not counted, however long it is."""
        return self._counter.count(text)

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return (n, dimensions) unit vectors in the order of the texts.

        ``on_progress`` is called with how many are done, after every batch. Texts of like length share a batch,
        so that little is computed for padding.

        Raises:
            ModelError: the device cannot compute them, usually for want of memory.
        """
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        for low in range(0, len(order), BATCH):
            rows = order[low : low + BATCH]
            vectors[rows] = self._embed([texts[row] for row in rows], self._model.encode_document)
            if on_progress:
                on_progress(low + len(rows))
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector, of shape (dimensions,), to search passages with."""
        vector: NDArray[np.float32] = self._embed([text], self._model.encode_query)[0]
        return vector

    def _embed(self, texts: list[str], encode: Callable[..., Any]) -> NDArray[np.float32]:
        try:
            with self._lock:
                raw = encode(texts, batch_size=BATCH, convert_to_numpy=True, show_progress_bar=False)
        except RuntimeError as error:
            raise ModelError(
                f"{self.name} could not embed {len(texts)} texts on {self._model.device}: {error}. "
                "Free memory, or set device to cpu."
            ) from error
        # Normalised here rather than by the model, whose bfloat16 leaves lengths off by up to 1 %.
        vectors = np.asarray(raw, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
        return units


class _Counter:
    """Counts tokens with a tokenizer of its own, so that it never waits for embedding and never truncates."""

    def __init__(self, tokenizer: Any) -> None:
        self._fast = copy.deepcopy(getattr(tokenizer, "backend_tokenizer", None))
        self._slow = copy.deepcopy(tokenizer)
        if self._fast is not None:
            self._fast.no_truncation()
            self._fast.no_padding()

    def count(self, text: str) -> int:
        if self._fast is not None:
            return len(self._fast.encode(text, add_special_tokens=False).ids)
        return len(self._slow.encode(text, add_special_tokens=False, truncation=False, verbose=False))


def load_embedder(source: ModelSource, *, device: str = "auto") -> Embedder:
    """Load a sentence-transformers model from a resolved source; never asks the network, never runs its code.

    Raises:
        ModelError: the folder is no such model, or the device is not there.
    """
    place = choose_device(device)
    try:
        with quietly():
            model = SentenceTransformer(
                str(source.folder),
                device=str(place),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"dtype": choose_dtype(place), "use_safetensors": True},
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"{source.name} in {source.folder} cannot be loaded as an embedder: {error}. "
            "Check that it is a whole sentence-transformers model, or choose another."
        ) from error
    folder = source.folder if tokenizer_file(source.folder).is_file() else None
    return Embedder(model, name=source.identity, tokenizer_folder=folder)


def _max_tokens(model: SentenceTransformer) -> int:
    if limit := model.max_seq_length:
        return int(limit)
    # Models that name no limit are bounded by their tokenizer, which says 10**30 when it has none either.
    return int(min(getattr(model.tokenizer, "model_max_length", 512), 8192))
