"""Nearest neighbours with FAISS, and the file that keeps an index between runs. The only module that knows FAISS.

FAISS takes an id twice without a word, pads short results with -1, answers a wrong dimension with a bare
AssertionError, and reads some damaged files as if they were whole. None of that leaves this module.
"""

import json
import logging
import os
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import faiss as _faiss
import numpy as np
from numpy.typing import NDArray

from rag_app.records import Hit

logger = logging.getLogger(__name__)

# The package's annotations are of its C++ side and do not fit the calls from Python.
faiss: Any = _faiss

FORMAT = 1
_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of the library that an index was made from."""

    revision: int
    token: str
    embedder: str
    dimensions: int


class VectorIndex:
    """The vectors of a library at one revision, by chunk id. Exact: every vector in scope is compared.

    Not safe for concurrent use; its owner holds a lock.
    """

    def __init__(self, stamp: Stamp) -> None:
        self.stamp = stamp
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(stamp.dimensions))
        # Ids only grow, so that most additions need no look for what they replace.
        self._highest = -1

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def ids(self) -> NDArray[np.int64]:
        """Return the ids of all chunks in the index, sorted."""
        ids: NDArray[np.int64] = np.sort(faiss.vector_to_array(self._index.id_map).astype(np.int64))
        return ids

    def vectors(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of these chunks, all of which must be in the index: shape (n, dimensions)."""
        found = np.empty((len(ids), self.stamp.dimensions), dtype=np.float32)
        for row, identity in enumerate(ids.tolist()):
            found[row] = self._index.reconstruct(identity)
        return found

    def replace(self, gone: NDArray[np.int64], ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Take out the chunks ``gone`` and ``ids``, then put in ``ids`` with vectors of length 1: shape (n, d)."""
        if len(ids) != len(np.unique(ids)) or vectors.shape != (len(ids), self.stamp.dimensions):
            raise ValueError(f"{len(ids)} ids with vectors of shape {vectors.shape} do not fit {self.stamp}")
        stale = np.concatenate([gone, ids])
        stale = stale[stale <= self._highest]
        if len(stale):
            self._index.remove_ids(np.ascontiguousarray(stale, dtype=np.int64))
        if len(ids):
            self._index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(ids))
            self._highest = max(self._highest, int(ids.max()))

    def search(self, query: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None) -> list[Hit]:
        """Return the k chunks nearest to a query of length 1, best first; others than ``allowed`` are not scored."""
        wanted = min(k, len(self) if allowed is None else len(allowed))
        if wanted < 1:
            return []
        parameters = None
        if allowed is not None:
            mask = np.zeros(int(allowed.max()) + 1, dtype=np.bool_)
            mask[allowed] = True
            # FAISS keeps no copy of the bits: they must live as long as the search.
            bits = np.packbits(mask, bitorder="little")
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(bits))
        scores, ids = self._index.search(np.ascontiguousarray(query[None, :]), wanted, params=parameters)
        hits = [Hit(int(i), float(s)) for i, s in zip(ids[0], scores[0], strict=True) if i >= 0]
        return sorted(hits, key=lambda hit: (-hit.score, hit.chunk_id))

    def save(self, file: Path) -> None:
        """Write the index to a file, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        payload = faiss.serialize_index(self._index).tobytes()
        header = asdict(self.stamp) | {"format": FORMAT, "crc32": _checksum(self.stamp, payload)}
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as output:
                output.write(json.dumps(header).encode() + b"\n")
                output.write(payload)
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, file: Path) -> "VectorIndex | None":
        """Read an index that ``save`` wrote. None when there is none, or it is not exactly what was written."""
        try:
            return cls._read(file)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            logger.warning("The vector index %s is unreadable (%s); it is made anew from the library.", file, error)
            return None

    @classmethod
    def _read(cls, file: Path) -> "VectorIndex":
        with file.open("rb") as source:
            header = json.loads(source.readline(_HEADER_BYTES))
            payload = source.read()
        stamp = Stamp(*(header[field.name] for field in fields(Stamp)))
        if (header["format"], header["crc32"]) != (FORMAT, _checksum(stamp, payload)):
            raise ValueError("its content is not what was written")
        index = cls(stamp)
        index._adopt(faiss.deserialize_index(np.frombuffer(payload, dtype=np.uint8)))
        return index

    def _adopt(self, index: Any) -> None:
        if not isinstance(index, faiss.IndexIDMap2) or index.d != self.stamp.dimensions:
            raise ValueError("it is an index of another kind")
        self._index = index
        self._highest = int(self.ids().max(initial=-1))


def _checksum(stamp: Stamp, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(json.dumps(asdict(stamp)).encode()))
