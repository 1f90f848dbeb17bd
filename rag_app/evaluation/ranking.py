"""Measure retrieval on a corpus with queries and judgements (qrels), as BEIR and TREC publish them.

Documents are ranked by their best passage. The measures are trec_eval's, through pytrec_eval; queries without a
document that is judged relevant are left out, as trec_eval and BEIR do.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytrec_eval

from rag_app.errors import DataError
from rag_app.evaluation.scoring import bootstrap_interval, mean, percentile
from rag_app.json_lines import read_json_lines
from rag_app.records import Passage

DOCUMENTS = 100
"""As many documents of a ranking are measured."""
PASSAGES = 300
"""As many passages are searched for, so that enough documents are among them."""
MEASURES = {
    "nDCG@10": "ndcg_cut_10", "recall@5": "recall_5", "recall@10": "recall_10", "recall@20": "recall_20",
    "recall@100": "recall_100",
}  # fmt: skip
MRR_DEPTH = 10

Search = Callable[[str], Sequence[Passage]]
Judgements = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """A corpus by document id as (title, text), the queries by their id, and what is judged of each query."""

    corpus: dict[str, tuple[str, str]]
    queries: dict[str, str]
    qrels: Judgements


def read_retrieval_set(
    corpus: Path, queries: Path, qrels: Path, *, split: str | None = None, limit: int | None = None, seed: int = 0
) -> RetrievalSet:
    """Read corpus and queries (.jsonl or .jsonl.gz with id and text) and judgements (.tsv with a header, or TREC's).

    Only queries of ``split`` with a relevant document are kept, of these a random sample of ``limit``.

    Raises:
        DataError: a file is missing or not in its format, or no query is left.
    """
    documents = {row[0]: row[1:] for row in _read_texts(corpus)}
    asked = {row[0]: row[2] for row in _read_texts(queries, split=split)}
    judged = _read_qrels(qrels, split=split)
    ids = [i for i in asked if any(grade > 0 for grade in judged.get(i, {}).values())]
    if not ids:
        among = f" of the split {split!r}" if split else ""
        raise DataError(f"{qrels} judges no document relevant to any query{among} in {queries}.")
    if limit is not None and limit < len(ids):
        chosen = set(random.Random(seed).sample(ids, limit))
        ids = [i for i in ids if i in chosen]
    return RetrievalSet(documents, {i: asked[i] for i in ids}, {i: judged[i] for i in ids})


def rank_documents(passages: Sequence[Passage], names: Sequence[str]) -> list[str]:
    """Return the ids of the passages' documents, each at its best passage. A document's name is its place in names."""
    return list(dict.fromkeys(names[int(p.document.name)] for p in passages))[:DOCUMENTS]


def run_queries(
    data: RetrievalSet, searches: Mapping[str, Search], *, seed: int = 0, on_query: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Search for every query in every way and return the figures of each, as ``rag-app eval retrieval`` prints them."""
    names = list(data.corpus)
    systems: dict[str, Any] = {}
    for way, search in searches.items():
        rankings: dict[str, list[str]] = {}
        latencies = []
        for query_id, text in data.queries.items():
            started = time.perf_counter()
            found = search(text)
            latencies.append(1000 * (time.perf_counter() - started))
            rankings[query_id] = rank_documents(found, names)
            on_query()
        values = measure(rankings, data.qrels)
        systems[way] = {
            "figures": {name: mean(v) for name, v in values.items()},
            "intervals_95": {name: bootstrap_interval(v, [1.0] * len(v), seed=seed) for name, v in values.items()},
            "latency_ms": {"p50": percentile(latencies, 50), "p95": percentile(latencies, 95)},
        }
    return {"documents": len(data.corpus), "n": len(data.queries), "seed": seed, "systems": systems}


def measure(rankings: Mapping[str, Sequence[str]], qrels: Judgements) -> dict[str, list[float]]:
    """Return each measure's value for every judged query, in the order of ``qrels``; 0 where nothing was found."""
    # trec_eval orders by score and breaks ties by id: falling scores keep the given order.
    runs = {q: {d: float(len(ids) - place) for place, d in enumerate(ids)} for q, ids in rankings.items() if ids}
    found = pytrec_eval.RelevanceEvaluator(qrels, set(MEASURES.values())).evaluate(runs)
    firsts = {q: {d: float(-place) for place, d in enumerate(ids[:MRR_DEPTH])} for q, ids in rankings.items() if ids}
    reciprocal = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(firsts)
    values = {name: [float(found.get(q, {}).get(key, 0.0)) for q in qrels] for name, key in MEASURES.items()}
    return values | {f"MRR@{MRR_DEPTH}": [float(reciprocal.get(q, {}).get("recip_rank", 0.0)) for q in qrels]}


def _read_texts(file: Path, *, split: str | None = None) -> list[tuple[str, str, str]]:
    rows = []
    for number, row in read_json_lines(file):
        name = row.get("id", row.get("_id"))
        if name is None or not isinstance(row.get("text"), str):
            raise DataError(f'{file}, line {number}, must have an "id" and a "text".')
        if split is None or row.get("split", split) == split:
            rows.append((str(name), str(row.get("title") or ""), str(row["text"])))
    return rows


def _read_qrels(file: Path, *, split: str | None) -> Judgements:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{file} cannot be read ({error}). Name a .tsv file with a header, or a TREC qrels file."
        ) from error
    header = lines[0].split("\t") if lines and "query-id" in lines[0] else None
    columns = header or ["query-id", "iteration", "corpus-id", "score"]
    qrels: Judgements = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (header and number == 1):
            continue
        row = dict(zip(columns, line.split("\t") if header else line.split(), strict=False))
        try:
            query, document, grade = row["query-id"], row["corpus-id"], int(row["score"])
        except (KeyError, ValueError) as error:
            raise DataError(
                f"{file}, line {number}: {line!r} is no judgement. A .tsv file has the columns query-id, corpus-id and "
                f"score, named in its first line; a TREC file has query, iteration, document and grade."
            ) from error
        if split is None or row.get("split", split) == split:
            qrels.setdefault(query, {})[document] = grade
    return qrels
