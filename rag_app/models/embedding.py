"""Turn texts into vectors with a sentence-transformers model."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from tokenizers import Tokenizer

from rag_app.errors import ModelError
from rag_app.models.catalogue import ModelSource
from rag_app.models.counting import TokenCounter, tokenizer_file
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.plain_encoder import PlainEncoder
from rag_app.models.plain_model import plain_model


class Encoder(Protocol):
    """A loaded model; its vectors need not be of length one."""

    tokenizer: Any
    dimensions: int
    max_tokens: int
    device: torch.device

    def encode(self, texts: Sequence[str], on_progress: Callable[[int], None] | None) -> NDArray[np.float32]: ...
    def encode_query(self, text: str) -> NDArray[np.float32]: ...


class Embedder:
    """Embeds texts as unit vectors whose dot product is their cosine similarity.

    ``name`` identifies the model and its weights, ``dimensions`` is the length of a vector, and text beyond
    ``max_tokens`` tokens (special tokens included) does not reach the vector. ``tokenizer_folder`` is where other
    processes find the very tokenizer, None where it is none that they can load. May be used from several threads.
    """

    def __init__(self, encoder: Encoder, *, name: str, tokenizer_folder: Path | None = None) -> None:
        self.name = name
        self.tokenizer_folder = tokenizer_folder
        self.dimensions = encoder.dimensions
        self.max_tokens = encoder.max_tokens
        self._encoder = encoder
        self._count = _counting(encoder.tokenizer)

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a text has, special tokens not counted, however long it is."""
        return self._count(text)

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Return (n, dimensions) unit vectors in the order of the texts.

        ``on_progress`` is called with how many are done, after every batch. Texts of like length share a batch, so
        that little is computed for padding: many texts at once take less time than the same texts a few at a time.

        Raises:
            ModelError: the device cannot compute them, usually for want of memory.
        """
        return self._units(lambda: self._encoder.encode(texts, on_progress), len(texts))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector, of shape (dimensions,), to search passages with."""
        vector: NDArray[np.float32] = self._units(lambda: self._encoder.encode_query(text), 1)[0]
        return vector

    def _units(self, encode: Callable[[], NDArray[np.float32]], count: int) -> NDArray[np.float32]:
        try:
            vectors = encode()
        except RuntimeError as error:
            raise ModelError(
                f"{self.name} could not embed {count} texts on {self._encoder.device}: {error}. "
                "Free memory, or set device to cpu."
            ) from error
        # Normalised here rather than by the model, whose bfloat16 leaves lengths off by up to 1 %.
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-12)
        return units


def load_embedder(source: ModelSource, *, device: str = "auto") -> Embedder:
    """Load a sentence-transformers model from a resolved source; never asks the network, never runs its code.

    Raises:
        ModelError: the folder is no such model, or the device is not there.
    """
    place = choose_device(device)
    try:
        plain = plain_model(source.folder)
        encoder: Encoder = (
            PlainEncoder(plain, device=place, dtype=choose_dtype(place)) if plain else _general(source, place)
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"{source.name} in {source.folder} cannot be loaded as an embedder: {error}. "
            "Check that it is a whole sentence-transformers model, or choose another."
        ) from error
    folder = source.folder if tokenizer_file(source.folder).is_file() else None
    return Embedder(encoder, name=source.identity, tokenizer_folder=folder)


def _general(source: ModelSource, place: torch.device) -> Encoder:
    # Late, for it takes seconds, and plain models do without.
    from rag_app.models.sentence_encoder import SentenceEncoder

    return SentenceEncoder(source.folder, device=place)


def _counting(tokenizer: Any) -> Callable[[str], int]:
    """Return what counts a text's tokens with a tokenizer of its own: it never waits for embedding, never truncates."""
    fast = tokenizer if isinstance(tokenizer, Tokenizer) else getattr(tokenizer, "backend_tokenizer", None)
    if fast is not None:
        return TokenCounter(fast.to_str()).count
    slow = copy.deepcopy(tokenizer)
    return lambda text: len(slow.encode(text, add_special_tokens=False, truncation=False, verbose=False))
