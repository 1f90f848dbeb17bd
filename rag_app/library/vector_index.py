"""Nearest neighbours with FAISS. The only module that knows FAISS.

FAISS takes an id twice without a word, pads short results with -1, answers a wrong dimension with a bare
AssertionError, and reads some damaged files as if they were whole. None of that leaves this module.

Two forms, one interface. A small library's vectors are kept as float16, and every one in scope is compared. A large
one's are kept as one bit for each dimension (RaBitQ, Gao and Long 2024, arXiv:2405.12497) of what remains after the
nearest of many centroids is taken away: 64 bytes instead of 1,536 for 384 dimensions, and compared some ten times as
fast. Such a comparison is rough, so that more candidates are given than were asked for; the caller compares these
with their exact vectors.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from rag_app.library.index_file import Sink, header_of, reading_checked, write_checked

logger = logging.getLogger(__name__)

# The package's annotations are of its C++ side and do not fit the calls from Python.
faiss: Any = _faiss

FORMAT = 2
_TRAINING_ROUNDS = 6
_QUERY_BITS = 4
_SEED = 20
# A bit flips where a component is 0 but for rounding; other vectors differ in far more.
_BITS_ROUNDED = 0.02
# So near to its centroid, as all components of a lone vector are, either bit may come out: processors round apart.
_TIE = 1e-5
_ROUNDED = 1e-3


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of the library that an index was made from."""

    revision: int
    token: str
    embedder: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """From where on an index is approximate, and how many vectors a search then compares."""

    exact_up_to: int = 50_000
    """Vectors; so many are compared in about 4 ms on one core."""
    compared: int = 200_000
    """Of vectors in scope; a scope that holds fewer is compared whole."""
    candidates: int = 250
    """Vectors that are compared exactly after they were compared roughly."""

    def lists(self, count: int) -> int:
        """Return into how many lists so many vectors are best sorted: about four times their square root."""
        return 1 if count <= self.compared else 2 ** math.ceil(math.log2(4 * math.sqrt(count)))


SIZES = Sizes()


class VectorIndex:
    """The vectors of a library at one revision, by chunk id.

    Not safe for concurrent use; its owner holds a lock.
    """

    stamp: Stamp
    made_for: int
    """For how many vectors the form of an approximate index was chosen; 0 for an exact one."""
    _places: tuple[NDArray[np.int64], NDArray[np.int64]] | None
    _highest: int

    def __init__(self, stamp: Stamp, *, sizes: Sizes = SIZES) -> None:
        quantizer = faiss.IndexFlatIP(stamp.dimensions)
        quantizer.add(np.zeros((1, stamp.dimensions), dtype=np.float32))
        half = faiss.ScalarQuantizer.QT_fp16
        index = faiss.IndexIVFScalarQuantizer(quantizer, stamp.dimensions, 1, half, faiss.METRIC_INNER_PRODUCT, False)
        index.train(np.zeros((1, stamp.dimensions), dtype=np.float32))
        self._take(stamp, index, sizes, made_for=0)

    @classmethod
    def coded(
        cls,
        stamp: Stamp,
        sample: NDArray[np.float32],
        *,
        lists: int,
        made_for: int,
        sizes: Sizes = SIZES,
        keep_going: Callable[[], bool] = lambda: True,
    ) -> "VectorIndex | None":
        """Return an empty approximate index for vectors like the sample's: shape (n, dimensions), n >= lists.

        None when ``keep_going``, which is asked every few seconds, says no.
        """
        rotation = faiss.RandomRotationMatrix(stamp.dimensions, stamp.dimensions)
        rotation.init(_SEED)
        turned = rotation.apply(np.ascontiguousarray(sample))
        centroids = _centroids(turned, lists, keep_going)
        if centroids is None:
            return None
        quantizer = faiss.IndexFlatIP(stamp.dimensions)
        quantizer.add(centroids)
        index = faiss.IndexIVFRaBitQ(quantizer, stamp.dimensions, lists, faiss.METRIC_INNER_PRODUCT)
        index.train(turned[:1])
        made = cls.__new__(cls)
        made._take(stamp, faiss.IndexPreTransform(rotation, index), sizes, made_for=made_for)
        return made

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def fits(self, count: int) -> bool:
        """Say whether the index is of the form that suits a library of so many vectors."""
        if self._rotation is None:
            return count <= self._sizes.exact_up_to
        lists, best = int(self._index.nlist), self._sizes.lists(count)
        return count > self._sizes.exact_up_to // 2 and best // 2 <= lists <= 4 * best and count <= 4 * self.made_for

    def ids(self) -> NDArray[np.int64]:
        """Return the ids of all chunks in the index, sorted."""
        return self._placed()[0]

    def differ(self, ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Say which of these chunks, all of which must be in the index, it holds another vector of than given."""
        known, places = self._placed()
        chosen = places[np.searchsorted(known, ids)]
        codes = np.empty((len(ids), int(self._index.code_size)), dtype=np.uint8)
        for row, (number, offset) in enumerate(chosen.tolist()):
            codes[row] = self._codes(number)[offset]
        if self._rotation is None:
            held: NDArray[np.float32] = self._index.sq.decode(codes) if len(ids) else vectors
            return np.asarray(np.linalg.norm(held - vectors, axis=1) > _ROUNDED)
        centroids = self._index.quantizer.reconstruct_batch(chosen[:, 0]) if len(ids) else vectors
        apart = self._turned(vectors) - centroids
        expected, clear = (np.packbits(bits, axis=1, bitorder="little") for bits in (apart > 0, abs(apart) > _TIE))
        flipped = np.bitwise_count((codes[:, : expected.shape[1]] ^ expected) & clear).sum(axis=1)
        return np.asarray(flipped > max(2, _BITS_ROUNDED * self.stamp.dimensions))

    def replace(self, gone: NDArray[np.int64], ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Take out the chunks ``gone`` and ``ids``, then put in ``ids`` with vectors of length 1: shape (n, d)."""
        if len(ids) != len(np.unique(ids)) or vectors.shape != (len(ids), self.stamp.dimensions):
            raise ValueError(f"{len(ids)} ids with vectors of shape {vectors.shape} do not fit {self.stamp}")
        self._places = None
        stale = np.concatenate([gone, ids])
        stale = stale[stale <= self._highest]
        if len(stale):
            self._index.remove_ids(np.ascontiguousarray(stale, dtype=np.int64))
        if len(ids):
            self._index.add_with_ids(self._turned(vectors), np.ascontiguousarray(ids))
            self._highest = max(self._highest, int(ids.max()))

    def candidates(
        self, query: NDArray[np.float32], k: int, allowed: NDArray[np.uint8] | None = None, *, count: int | None = None
    ) -> NDArray[np.int64]:
        """Return the ids of chunks among which the k nearest to a query of length 1 are; in no certain order.

        ``allowed`` has a bit for each chunk that may be compared, lowest first, and ``count`` says how many these
        are; others are not even looked at.
        """
        in_scope = len(self) if allowed is None or count is None else count
        # A few more even in an exact index, because float16 can change the order of close neighbours.
        wanted = min(k + 8 if self._rotation is None else max(self._sizes.candidates, 6 * k), in_scope)
        if k < 1 or wanted < 1:
            return np.empty(0, dtype=np.int64)
        parameters = faiss.SearchParametersIVF() if self._rotation is None else faiss.IVFRaBitQSearchParameters()
        if self._rotation is not None:
            parameters.qb = _QUERY_BITS
        parameters.nprobe = math.ceil(self._index.nlist * min(1.0, self._sizes.compared / in_scope))
        if allowed is not None:
            # FAISS keeps no copy of the bits: they must live as long as the search.
            selector = faiss.IDSelectorBitmap(allowed)
            parameters.sel = selector
        _, ids = self._index.search(self._turned(query[None, :]), wanted, params=parameters)
        found: NDArray[np.int64] = ids[0][ids[0] >= 0]
        return found

    def save(self, file: Path) -> None:
        """Write the index to a file, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """

        def write(sink: Sink) -> None:
            faiss.write_index(self._whole, faiss.PyCallbackIOWriter(sink))

        header = asdict(self.stamp) | {"format": FORMAT, "made_for": self.made_for}
        write_checked(file, header, write)

    @classmethod
    def load(cls, file: Path, *, sizes: Sizes = SIZES) -> "VectorIndex | None":
        """Read an index that ``save`` wrote. None when there is none, or it is not exactly what was written."""
        try:
            with reading_checked(file) as (header, content):
                return cls._read(header, content, sizes)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            logger.warning("The vector index %s is unreadable (%s); it is made anew from the library.", file, error)
            return None

    @staticmethod
    def stamp_of(file: Path) -> tuple[Stamp, int] | None:
        """Return of which state the index in a file is and for how many vectors it was made, 0 for an exact one."""
        try:
            header = header_of(file)
            return _stamp(header), int(header["made_for"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @classmethod
    def _read(cls, header: dict[str, Any], content: BinaryIO, sizes: Sizes) -> "VectorIndex":
        stamp = _stamp(header)
        if header["format"] != FORMAT:
            raise ValueError("it is of another format")
        whole = faiss.read_index(faiss.PyCallbackIOReader(content.read))
        made = cls.__new__(cls)
        made._take(stamp, whole, sizes, made_for=header["made_for"])
        return made

    def _take(self, stamp: Stamp, whole: Any, sizes: Sizes, *, made_for: int) -> None:
        rotated = isinstance(whole, faiss.IndexPreTransform)
        index = faiss.downcast_index(whole.index) if rotated else whole
        kind = faiss.IndexIVFRaBitQ if rotated else faiss.IndexIVFScalarQuantizer
        if not isinstance(index, kind) or whole.d != stamp.dimensions:
            raise ValueError("it is an index of another kind")
        # One query at a time is faster on one core: waking the others costs more, and they may be busy.
        index.parallel_mode = 0
        self.stamp = stamp
        self.made_for = made_for
        self._sizes = sizes
        self._whole, self._index = whole, index
        self._rotation = faiss.downcast_VectorTransform(whole.chain.at(0)) if rotated else None
        self._places = None
        # Ids only grow, so that most additions need no look for what they replace.
        self._highest = max((int(self._list(n).max(initial=-1)) for n in range(index.nlist)), default=-1)

    def _turned(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        given = np.ascontiguousarray(vectors, dtype=np.float32)
        if self._rotation is None or not len(given):
            return given
        turned: NDArray[np.float32] = self._rotation.apply(given)
        return turned

    def _list(self, number: int) -> NDArray[np.int64]:
        lists = self._index.invlists
        size = lists.list_size(number)
        ids = faiss.rev_swig_ptr(lists.get_ids(number), size) if size else np.empty(0, dtype=np.int64)
        return np.asarray(ids, dtype=np.int64)

    def _codes(self, number: int) -> NDArray[np.uint8]:
        lists, size = self._index.invlists, int(self._index.code_size)
        codes = faiss.rev_swig_ptr(lists.get_codes(number), lists.list_size(number) * size)
        return np.asarray(codes, dtype=np.uint8).reshape(-1, size)

    def _placed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return all ids, sorted, and the list and the place in it where each stands: shape (n, 2)."""
        if self._places is None:
            lists = [self._list(number) for number in range(self._index.nlist)]
            ids = np.concatenate(lists)
            numbers = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
            offsets = np.concatenate([np.arange(len(each)) for each in lists])
            order = np.argsort(ids, kind="stable")
            places: NDArray[np.int64] = np.stack([numbers, offsets], axis=1)[order]
            self._places = ids[order], places
        return self._places


def _centroids(sample: NDArray[np.float32], lists: int, keep_going: Callable[[], bool]) -> NDArray[np.float32] | None:
    if lists == 1:
        return np.ascontiguousarray(sample.mean(axis=0, keepdims=True))
    centroids: NDArray[np.float32] | None = None
    for _ in range(_TRAINING_ROUNDS):
        if not keep_going():
            return None
        # One round at a time, because FAISS cannot be interrupted from another thread.
        rounds = faiss.Kmeans(
            sample.shape[1], lists, niter=1, spherical=True, min_points_per_centroid=1, max_points_per_centroid=10**9
        )
        rounds.train(sample, init_centroids=centroids)
        centroids = rounds.centroids
    return centroids


def _stamp(header: dict[str, Any]) -> Stamp:
    return Stamp(*(header[field.name] for field in fields(Stamp)))
