"""Draw vectors of many dimensions on a plane, so that what is alike stands together.

Up to ``LANDMARKS`` vectors are laid out by t-SNE (van der Maaten and Hinton 2008), which begins with their principal
components and is therefore the same every time. Of more, a sample is laid out so, and each of the others put among
those of the sample that are most like it: thousands of points then take seconds and not minutes. Neighbours on the
plane are mostly neighbours in truth; how far apart two groups stand says little.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

LANDMARKS = 2000
FEWEST = 12
"""Fewer than this have no neighbourhoods to speak of; their two principal components are shown."""
NEIGHBOURS = 5
SHARPNESS = 20.0
"""How much more a likelier neighbour counts: the weight doubles about every 0.035 of cosine."""
_COMPONENTS = 50
_PERPLEXITY = 30.0
_STEPS = 300
"""Where the places have settled: 500 take twice as long, and no more neighbours on the plane are true ones."""
_ANGLE = 0.7
"""How coarsely far groups push each other: the places of 0.5 are no better, and take a quarter longer."""
_SEED = 0
_AT_ONCE = 2000

Array = NDArray[np.float32]
Step = Literal["laying out", "placing the rest"]


def project(vectors: Array, on_step: Callable[[Step], object] = lambda step: None) -> Array:
    """Return a place for each vector of length 1, shape (n, 2), all within -1 and 1.

    ``on_step`` is told what is begun.
    """
    on_step("laying out")
    count = len(vectors)
    if count <= LANDMARKS:
        return _scaled(_laid_out(vectors))
    chosen = np.sort(np.random.default_rng(_SEED).choice(count, LANDMARKS, replace=False))
    spots = _scaled(_laid_out(vectors[chosen]))
    on_step("placing the rest")
    places = place(vectors, among=vectors[chosen], spots=spots)
    places[chosen] = spots
    return places


def place(vectors: Array, *, among: Array, spots: Array) -> Array:
    """Put each vector in the middle of those most like it, the more alike the nearer; return shape (n, 2).

    Args:
        vectors: of length 1, shape (n, dimensions).
        among: those that have their places already, at least one, of length 1.
        spots: their places, shape (m, 2).
    """
    nearest = min(NEIGHBOURS, len(among))
    places = np.empty((len(vectors), 2), dtype=np.float32)
    for low in range(0, len(vectors), _AT_ONCE):
        likeness = vectors[low : low + _AT_ONCE] @ among.T
        best = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        near = np.take_along_axis(likeness, best, axis=1)
        weights = np.exp(SHARPNESS * (near - near.max(axis=1, keepdims=True)))
        weights /= weights.sum(axis=1, keepdims=True)
        places[low : low + _AT_ONCE] = np.einsum("nk,nkd->nd", weights, spots[best])
    return places


def _laid_out(vectors: Array) -> Array:
    count = len(vectors)
    # Copies are one point: without any difference there is nothing to spread.
    if count < 2 or np.ptp(vectors, axis=0).max() < 1e-6:
        return np.zeros((count, 2), dtype=np.float32)
    from sklearn.decomposition import PCA

    most = min(_COMPONENTS, *vectors.shape)
    components: Array = PCA(most, svd_solver="full").fit_transform(vectors).astype(np.float32)
    if count < FEWEST:
        return np.pad(components[:, :2], ((0, 0), (0, max(0, 2 - most))))
    from sklearn.manifold import TSNE

    spread = TSNE(
        init=components[:, :2] / max(float(np.std(components[:, 0])), 1e-6) * 1e-4,
        perplexity=min(_PERPLEXITY, (count - 1) / 3),
        max_iter=_STEPS,
        angle=_ANGLE,
        random_state=_SEED,
        # One core at most: answers are written meanwhile.
        n_jobs=1,
    )
    laid: Array = spread.fit_transform(components).astype(np.float32)
    return laid


def _scaled(places: Array) -> Array:
    if not len(places):
        return places
    low, high = places.min(axis=0), places.max(axis=0)
    widths = np.where(high - low > 0, high - low, 1)
    scaled: Array = (2 * (places - low) / widths - 1).astype(np.float32)
    scaled[:, high == low] = 0
    return scaled
