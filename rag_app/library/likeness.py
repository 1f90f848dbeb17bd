"""Find documents that say nearly the same, by MinHash signatures of their words (Broder 1997).

The share of equal numbers in two signatures estimates the Jaccard similarity of the sets of five consecutive words.
Pairs to compare are found by locality-sensitive hashing (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets,
chapter 3): only documents that agree in one whole band of their signatures are compared.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import combinations, islice
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash
from sqlalchemy import Connection, and_, func, insert, select

from rag_app.library import schema

_NUMBERS = 128
_WORDS_TOGETHER = 5
_SEED = 1
_STORED = np.dtype("<u4")
METHOD = f"rensa {RMinHash.ALGORITHM_VERSION}, {_NUMBERS} numbers, {_WORDS_TOGETHER} words"

_MISSED = 0.01
"""Share of the pairs exactly at the threshold that may be overlooked."""
_LARGEST_CROWD = 64
"""Among more documents that agree in a band, each is compared with the first alone."""

# Chinese and Japanese are written without spaces: there each character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")

_RUNS_AT_ONCE = 20_000

_texts, _signatures = schema.document_texts.c, schema.signatures.c


def signature_of(text: str) -> bytes:
    """Return the signature of a text, as it is stored; that of a text without words is empty."""
    signature: list[int] = []
    sketch = RMinHash(num_perm=_NUMBERS, seed=_SEED)
    # Some at a time: together they take thirty times the memory of the text.
    for runs in _runs_of_words(text):
        sketch.update(runs)
        signature = sketch.digest()
    return np.array(signature, dtype=_STORED).tobytes()


def put_signature(connection: Connection, document_id: int, text: str) -> None:
    """Write the signature of a document."""
    values = {"method": METHOD, "signature": signature_of(text)}
    connection.execute(insert(schema.signatures).prefix_with("OR REPLACE").values(document_id=document_id, **values))


def _runs_of_words(text: str) -> Iterator[list[str]]:
    """Yield every run of as many words as belong together, or the only one of a text that has fewer; some at a time."""
    words = map(itemgetter(0), _WORD.finditer(text.lower()))
    last = list(islice(words, _WORDS_TOGETHER - 1))
    more = list(islice(words, _RUNS_AT_ONCE))
    if last and not more:
        yield [" ".join(last)]
    while more:
        last += more
        yield list(map(" ".join, zip(*(last[at:] for at in range(_WORDS_TOGETHER)), strict=False)))
        last = last[1 - _WORDS_TOGETHER :]
        more = list(islice(words, _RUNS_AT_ONCE))


def unsigned_documents(connection: Connection) -> list[int]:
    """Return the documents that have no signature of this method, because they are older than it."""
    current = and_(_signatures.document_id == _texts.document_id, _signatures.method == METHOD)
    joined = select(_texts.document_id).join_from(schema.document_texts, schema.signatures, current, isouter=True)
    return list(connection.scalars(joined.where(_signatures.document_id.is_(None))))


def list_signatures(connection: Connection, ids: Collection[int]) -> dict[int, NDArray[np.uint32]]:
    """Return the signatures of those of the documents that have words, by id."""
    rows = connection.execute(
        select(_signatures.document_id, _signatures.signature)
        .where(_signatures.method == METHOD, func.length(_signatures.signature) > 0)
        .order_by(_signatures.document_id)
    )
    return {row.document_id: np.frombuffer(row.signature, dtype=_STORED) for row in rows if row.document_id in ids}


def similar_pairs(signatures: Mapping[int, NDArray[np.uint32]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of ids and their similarity, if it is ``threshold`` or more; each pair once.

    Documents of one and the same signature are each paired with the first of them only.
    """
    if not signatures:
        return
    ids = np.array(list(signatures), dtype=np.int64)
    rows = np.stack(list(signatures.values()))
    unique, first, belongs = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    for row, group in enumerate(belongs.ravel().tolist()):
        if first[group] != row:
            yield int(ids[first[group]]), int(ids[row]), 1.0
    for one, other in sorted(_candidates(unique, _rows_of_a_band(threshold))):
        similarity = float(np.mean(unique[one] == unique[other]))
        if similarity >= threshold:
            pair = sorted((int(ids[first[one]]), int(ids[first[other]])))
            yield pair[0], pair[1], similarity


def _candidates(signatures: NDArray[np.uint32], rows: int) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for start in range(0, _NUMBERS, rows):
        band = np.ascontiguousarray(signatures[:, start : start + rows])
        _, belongs, counts = np.unique(band, axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(belongs.ravel(), kind="stable")
        for crowd in np.split(order, np.cumsum(counts)[:-1]):
            if len(crowd) > _LARGEST_CROWD:
                found.update((int(crowd[0]), other) for other in crowd[1:].tolist())
            elif len(crowd) > 1:
                found.update(combinations(crowd.tolist(), 2))
    return found


def _rows_of_a_band(threshold: float) -> int:
    """Return how many numbers two documents must share in a row to be compared."""
    for rows in (16, 8, 4, 2):
        if (1 - threshold**rows) ** (_NUMBERS // rows) <= _MISSED:
            return rows
    return 1
