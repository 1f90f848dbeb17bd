"""Embed documents in the background, several at a time and large ones in slices, in the order they come.

Texts of like length share a batch of the model only if it is given many at once; so what waits is handed over
together. Every text is embedded once: what the library or this run has a vector for is not embedded again.
"""

import hashlib
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from rag_app.errors import RagError
from rag_app.records import NewDocument, contextual_text

Vectors = NDArray[np.float32]
KnownVectors = Callable[[Sequence[str]], Sequence[NDArray[np.floating] | None]]

_TEXTS_AT_ONCE = 512
_MOST_TEXTS_WAITING = 2048
_MOST_CHARACTERS_WAITING = 32 * 2**20
_VECTORS_REMEMBERED = 4 * _TEXTS_AT_ONCE
_SWITCH_SECONDS = 0.0005
"""A step of the model takes less than Python's 5 ms, after each of which it would wait so long for a thread that stores
documents."""


class EmbedsPassages(Protocol):
    """What embeds texts, telling after every few how many are done."""

    def embed_passages(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> Vectors: ...


class _GivenUp(RagError):
    """The run has ended; nobody waits for these vectors."""


@dataclass(slots=True)
class _Job:
    """A document on its way: ``handed_over`` of its spans are with the embedder or done, ``embedded`` are done.

    ``title`` is what its spans are embedded with.
    """

    document: NewDocument
    title: str
    handed_over: int = 0
    embedded: int = 0
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    @property
    def whole(self) -> bool:
        return self.embedded == len(self.document.spans)

    def take(self, vectors: Vectors) -> None:
        """Take the vectors of the next spans."""
        if not self.embedded:
            self.vectors = np.empty((len(self.document.spans), vectors.shape[1]), np.float32)
        self.vectors[self.embedded : self.embedded + len(vectors)] = vectors
        self.embedded += len(vectors)


class EmbeddingQueue:
    """Documents that wait for their vectors. All but the embedding itself is done by the thread that calls."""

    def __init__(self, embedder: EmbedsPassages, known_vectors: KnownVectors) -> None:
        self.embedded = 0
        self._embedder = embedder
        self._known_vectors = known_vectors
        self._jobs: deque[_Job] = deque()
        self._batches: deque[tuple[list[tuple[_Job, int]], Future[Vectors]]] = deque()
        self._remembered: dict[bytes, Vectors] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedding")
        self._closed = threading.Event()
        self._texts = self._characters = 0
        self._interval = sys.getswitchinterval()

    def __enter__(self) -> Self:
        # Of two queues at once the last to end may leave the other's: that does no harm.
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(min(self._interval, _SWITCH_SECONDS))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.shutdown(wait=True, cancel_futures=True)
        sys.setswitchinterval(self._interval)

    @property
    def full(self) -> bool:
        """Whether so much waits that no more should be read for now."""
        return self._texts >= _MOST_TEXTS_WAITING or self._characters >= _MOST_CHARACTERS_WAITING

    @property
    def working(self) -> "Future[Vectors] | None":
        """What the embedder is doing now, to wait for."""
        return self._batches[0][1] if self._batches else None

    @property
    def first(self) -> str | None:
        """The name of the document that is to be done next."""
        return self._jobs[0].document.name if self._jobs else None

    @property
    def empty(self) -> bool:
        return not self._jobs

    def add(self, document: NewDocument, *, title: str | None = None) -> None:
        """Take a document; it comes out of ``done`` when all of its spans have vectors.

        A copy is embedded under the ``title`` of the document that it is a copy of, and has the same vectors.
        """
        self._jobs.append(_Job(document, document.title if title is None else title))
        self._texts += len(document.spans)
        self._characters += len(document.text)

    def hand_over(self, *, all_read: bool) -> Iterator[str]:
        """Give the embedder the next texts if it has little to do; yield the names of the documents begun with them.

        A few texts wait for more to come, unless ``all_read`` or the embedder is idle.
        """
        while len(self._batches) < 2:
            waiting = sum(len(job.document.spans) - job.handed_over for job in self._jobs)
            if not waiting or (waiting < _TEXTS_AT_ONCE and self._batches and not all_read):
                return
            slices: list[tuple[_Job, int]] = []
            texts: list[str] = []
            for job in self._jobs:
                room = _TEXTS_AT_ONCE - len(texts)
                fresh = _texts(job, room)
                if not fresh:
                    continue
                if not job.handed_over:
                    yield job.document.name
                texts += fresh
                slices.append((job, len(fresh)))
                job.handed_over += len(fresh)
                if len(texts) >= _TEXTS_AT_ONCE:
                    break
            self._batches.append((slices, self._thread.submit(self._embed, texts)))

    def done(self) -> Iterator[tuple[NewDocument, Vectors]]:
        """Yield the documents that have all their vectors, in the order they came.

        Raises:
            RagError: the embedder failed.
        """
        while self._batches and self._batches[0][1].done():
            slices, future = self._batches.popleft()
            vectors, row = future.result(), 0
            for job, count in slices:
                job.take(vectors[row : row + count])
                row += count
        while self._jobs and self._jobs[0].whole:
            job = self._jobs.popleft()
            self._texts -= len(job.document.spans)
            self._characters -= len(job.document.text)
            yield job.document, job.vectors

    def _embed(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts, embedding those that are new."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        texts_of = dict(zip(keys, texts, strict=True))
        found = {key: self._remembered[key] for key in texts_of if key in self._remembered}
        for look in (self._stored, self._fresh):
            missing = [key for key in texts_of if key not in found]
            vectors = look([texts_of[key] for key in missing]) if missing else []
            found |= {key: vector for key, vector in zip(missing, vectors, strict=True) if vector is not None}
        self._remembered |= found
        while len(self._remembered) > _VECTORS_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return np.stack([found[key] for key in keys])

    def _stored(self, texts: Sequence[str]) -> Sequence[Vectors | None]:
        return [None if v is None else np.asarray(v, np.float32) for v in self._known_vectors(texts)]

    def _fresh(self, texts: Sequence[str]) -> Sequence[Vectors | None]:
        begun = self.embedded

        def count(done: int) -> None:
            self.embedded = begun + done
            if self._closed.is_set():
                raise _GivenUp

        count(0)
        vectors = self._embedder.embed_passages(texts, on_progress=count)
        self.embedded = begun + len(texts)
        return list(vectors)


def _texts(job: _Job, most: int) -> list[str]:
    document, start = job.document, job.handed_over
    return [
        contextual_text(job.title, span.heading, document.text[span.start : span.end])
        for span in document.spans[start : start + most]
    ]
