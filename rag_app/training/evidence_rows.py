"""Tokenised training pairs, packed into flat arrays, and the batches that are drawn from them.

A passage is met by many questions, so each distinct text of a slice is tokenised once and the pairs are put
together from the pieces: ``[CLS] question [SEP] passage [SEP]``, as the tokenizer would.
"""

import random
import zlib
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from rag_app.models.evidence_network import CLAIM_PREFIX
from rag_app.training.evidence_data import Pair

IGNORED = -100
"""Where a pair does not teach a task."""
SLICE = 8192
WINDOW = 16384
"""How many rows are sorted by length together: little padding, and still batches of many kinds."""
AHEAD = 8
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Pairs one after another.

    ``ids`` holds the tokens of all, pair i from ``offsets[i]`` to ``offsets[i + 1]``, of which the first
    ``firsts[i]`` are the question's. ``labels`` is (pairs, 5): relevance, answerable, stance (of
    ``evidence_data.Stance``), and the first and last token of the span, 0 for none; IGNORED where not taught.
    """

    ids: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    firsts: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.firsts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.offsets)

    @property
    def digest(self) -> int:
        """A checksum of all pairs, which tells training data apart."""
        checksum = 0
        for part in (self.ids, self.offsets, self.firsts, self.labels):
            checksum = zlib.crc32(np.ascontiguousarray(part).data, checksum)
        return checksum


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded ids, segments and mask, each (batch, longest), and labels (batch, 5), all int64."""

    ids: Tensor
    segments: Tensor
    mask: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Copy to a device, without waiting where the memory is pinned."""
        parts = (self.ids, self.segments, self.mask, self.labels)
        return Batch(*(part.to(device, non_blocking=True) for part in parts))

    def pin(self) -> "Batch":
        """Move to page-locked memory, from which a copy to the GPU need not be waited for."""
        return Batch(
            self.ids.pin_memory(), self.segments.pin_memory(), self.mask.pin_memory(), self.labels.pin_memory()
        )


def pack(pairs: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, *, max_tokens: int) -> Rows:
    """Tokenise pairs; those longer than ``max_tokens`` are left out, for a cut passage may lose its answer."""
    ids: list[NDArray[np.uint16]] = []
    firsts: list[int] = []
    labels: list[tuple[int, ...]] = []
    for begin in range(0, len(pairs), SLICE):
        for tokens, first, own in _pack_some(pairs[begin : begin + SLICE], tokenizer, max_tokens):
            ids.append(tokens)
            firsts.append(first)
            labels.append(own)
    lengths = [0, *(len(tokens) for tokens in ids)]
    flat = np.concatenate(ids) if ids else np.zeros(0, dtype=np.uint16)
    table = np.array(labels, dtype=np.int64).reshape(-1, 5)
    return Rows(flat, np.cumsum(lengths, dtype=np.int64), np.array(firsts, dtype=np.int64), table)


def join(parts: Sequence[Rows]) -> Rows:
    """Put rows one after another."""
    ends = np.cumsum([0, *(len(part.ids) for part in parts)])
    offsets = [part.offsets[:-1] + begin for part, begin in zip(parts, ends[:-1], strict=True)]
    return Rows(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([*offsets, ends[-1:]]),
        np.concatenate([part.firsts for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def _pack_some(
    pairs: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> Iterator[tuple[NDArray[np.uint16], int, tuple[int, ...]]]:
    firsts = [p.first if p.stance is None else CLAIM_PREFIX + p.first for p in pairs]
    seconds = [f"{p.heading}\n{p.passage}" if p.heading else p.passage for p in pairs]
    texts = list(dict.fromkeys([*firsts, *seconds]))
    core: Tokenizer = tokenizer.backend_tokenizer
    core.no_truncation()
    core.no_padding()
    encoded = dict(zip(texts, core.encode_batch(texts, add_special_tokens=False), strict=True))
    packed = {text: np.array(found.ids, dtype=np.uint16) for text, found in encoded.items()}
    cls = np.array([tokenizer.cls_token_id], dtype=np.uint16)
    sep = np.array([tokenizer.sep_token_id], dtype=np.uint16)
    for pair, first, second in zip(pairs, firsts, seconds, strict=True):
        head, body = packed[first], packed[second]
        if len(head) + len(body) + 3 > max_tokens:
            continue
        start = end = 0 if pair.answerable is False else IGNORED
        if pair.span is not None:
            shift = len(pair.heading) + 1 if pair.heading else 0
            if tokens := _tokens_of(encoded[second], pair.span[0] + shift, pair.span[1] + shift):
                start, end = tokens[0] + len(head) + 2, tokens[-1] + len(head) + 2
        known = (_label(pair.relevant), _label(pair.answerable), IGNORED if pair.stance is None else int(pair.stance))
        yield np.concatenate([cls, head, sep, body, sep]), len(head) + 2, (*known, start, end)


def _label(known: bool | None) -> int:
    return IGNORED if known is None else int(known)


def _tokens_of(text: Encoding, low: int, high: int) -> list[int]:
    """Return the tokens that touch the characters from ``low`` to ``high``: none where those are all control codes."""
    return [i for i in (text.char_to_token(c) for c in range(low, high)) if i is not None]


def collate(rows: Rows, chosen: NDArray[np.int64]) -> Batch:
    """Pad the chosen rows to one length."""
    lengths = rows.lengths[chosen]
    places = np.arange(int(lengths.max()))
    mask = places < lengths[:, None]
    at = np.where(mask, rows.offsets[chosen, None] + places, 0)
    segments = mask & (places >= rows.firsts[chosen, None])
    ids = np.where(mask, rows.ids[at], 0).astype(np.int64)
    arrays = (ids, segments.astype(np.int64), mask.astype(np.int64), rows.labels[chosen])
    return Batch(*(torch.from_numpy(array) for array in arrays))


def plan_epoch(rows: Rows, seed: int, *, tokens: int) -> list[NDArray[np.int64]]:
    """Return the rows of each batch of an epoch, of like length, at most ``tokens`` padded tokens a batch."""
    order = np.random.default_rng(seed).permutation(len(rows))
    rng = random.Random(seed)
    lengths = rows.lengths
    made: list[NDArray[np.int64]] = []
    for low in range(0, len(order), WINDOW):
        window = order[low : low + WINDOW]
        window = window[np.argsort(lengths[window], kind="stable")]
        begin, batches = 0, []
        for i, length in enumerate(lengths[window].tolist()):
            if i > begin and length * (i - begin + 1) > tokens:
                batches.append(window[begin:i])
                begin = i
        batches.append(window[begin:])
        rng.shuffle(batches)
        made += batches
    return made


def stream_batches(rows: Rows, plans: Iterable[NDArray[np.int64]], *, pin: bool) -> Generator[Batch, None, None]:
    """Collate batches in other threads, a few ahead of the one that is used."""

    def make(chosen: NDArray[np.int64]) -> Batch:
        batch = collate(rows, chosen)
        return batch.pin() if pin else batch

    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        for chosen in plans:
            waiting.append(pool.submit(make, chosen))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
