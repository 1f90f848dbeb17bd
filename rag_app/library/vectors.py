"""How vectors are stored: float16, little-endian, of length 1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rag_app.errors import LibraryError

_STORED = np.dtype("<f2")
_AT_ONCE = 4096


def packed(vectors: ArrayLike, *, count: int, dimensions: int, name: str) -> list[bytes]:
    """Return one blob for each of ``count`` vectors of any length but 0, shape (count, dimensions).

    Raises:
        LibraryError: a vector is 0 or not finite, so that nothing could ever be near it.
    """
    given = np.asarray(vectors, dtype=np.float32)
    if count == 0 and given.size == 0:
        return []
    if given.shape != (count, dimensions):
        raise ValueError(f"{name}: vectors of shape {given.shape} where {(count, dimensions)} belongs")
    # Some at a time: a book has a hundred thousand of them, and they are computed in float64.
    slices = (_packed(given[low : low + _AT_ONCE], first=low, name=name) for low in range(0, count, _AT_ONCE))
    return [blob for blobs in slices for blob in blobs]


def _packed(given: NDArray[np.float32], *, first: int, name: str) -> list[bytes]:
    lengths = np.linalg.norm(given.astype(np.float64), axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(bad):
        raise LibraryError(
            f"The embedder gave no usable vector for piece {first + int(bad[0]) + 1} of {name} (it is 0 or not "
            "finite). Check the model with 'rag-app models list', or choose another embedder."
        )
    units = (given / lengths[:, None]).astype(_STORED)
    return [row.tobytes() for row in units]


def unpacked(blobs: Sequence[bytes], dimensions: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the vectors of the sound blobs, scaled to length 1, and which of the blobs are sound."""
    size = dimensions * _STORED.itemsize
    sound = np.array([isinstance(blob, bytes) and len(blob) == size for blob in blobs], dtype=np.bool_)
    joined = b"".join(blob for blob, fits in zip(blobs, sound, strict=True) if fits)
    vectors = np.frombuffer(joined, dtype=_STORED).astype(np.float32).reshape(int(sound.sum()), dimensions)
    lengths = np.linalg.norm(vectors, axis=1)
    finite = np.isfinite(lengths) & (lengths > 0)
    sound[sound] = finite
    return vectors[finite] / lengths[finite, None], sound


def unit(query: ArrayLike, dimensions: int) -> NDArray[np.float32]:
    """Return a query scaled to length 1, shape (dimensions,)."""
    given = np.asarray(query, dtype=np.float32)
    length = float(np.linalg.norm(given.astype(np.float64)))
    if given.shape != (dimensions,) or not np.isfinite(length) or length == 0:
        raise ValueError(f"a query of shape {given.shape} and length {length} where ({dimensions},) belongs")
    scaled: NDArray[np.float32] = (given / length).astype(np.float32)
    return scaled
