"""Make and tokenise the whole training mixture, in several processes where asked for."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transformers import AutoTokenizer

from rag_app.training.evidence_mixture import held_out_pairs, make_part, part_names
from rag_app.training.evidence_rows import Rows, join, pack
from rag_app.training.training_sets import TrainingSets

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where training rows come from: a folder of training sets, and the base whose tokenizer cuts them."""

    data: Path
    base: Path
    seed: int
    max_tokens: int
    rows_per_set: int | None


def pack_mixture(source: Source, *, processes: int) -> tuple[Rows, dict[str, Rows]]:
    """Return (training rows, held-out rows by kind). The number of processes changes nothing but the time.

    Raises:
        DataError: a training set cannot be read.
    """
    parts = []
    for name, rows in zip(part_names(), _pack_parts(source, processes), strict=True):
        log.info("%s: %d rows, %d tokens", name, len(rows), len(rows.ids))
        parts.append(rows)
    tokenizer = AutoTokenizer.from_pretrained(source.base)
    held = {
        name: pack(pairs, tokenizer, max_tokens=source.max_tokens)
        for name, pairs in held_out_pairs(_sets(source), source.seed).items()
    }
    log.info("held out: %s", {name: len(rows) for name, rows in held.items()})
    return join(parts), held


def _pack_parts(source: Source, processes: int) -> Iterator[Rows]:
    if processes == 1:
        sets = _sets(source)
        yield from (_pack_part(name, source, sets) for name in part_names())
        return
    with ProcessPoolExecutor(processes, initializer=_begin_process) as pool:
        yield from pool.map(partial(_pack_part, source=source), part_names())


def _begin_process() -> None:
    # Each process has a core of its own; the tokenizer's threads would only get in each other's way.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"


def _pack_part(name: str, source: Source, sets: TrainingSets | None = None) -> Rows:
    pairs = make_part(sets or _sets(source), name, source.seed)
    return pack(pairs, AutoTokenizer.from_pretrained(source.base), max_tokens=source.max_tokens)


def _sets(source: Source) -> TrainingSets:
    return TrainingSets(source.data, seed=source.seed, rows_per_set=source.rows_per_set)
