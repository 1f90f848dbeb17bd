"""Retrieval is measured as trec_eval does, on the formats that public sets have."""

import gzip
import json
import math
from pathlib import Path

import pytest

from rag_app.assembly import Application
from rag_app.errors import DataError
from rag_app.evaluation.ranking import measure, rank_documents, read_retrieval_set, run_queries
from rag_app.workshop import EvaluationWorkshop, searches_of
from tests.fakes import make_passages

CORPUS = [
    {"id": "d1", "title": "Doors", "text": "The door of the boat house is blue."},
    {"id": "d2", "title": "Cats", "text": "A cat sleeps sixteen hours a day."},
    {"id": "d3", "title": "", "text": "Lunch is served at noon in the canteen."},
]
QUERIES = [
    {"id": "q1", "text": "colour of the boat house door", "split": "dev"},
    {"id": "q2", "text": "how long do cats sleep", "split": "dev"},
    {"id": "q3", "text": "when is lunch", "split": "test"},
    {"id": "q4", "text": "nothing is relevant to this", "split": "dev"},
]
TSV = "split\tquery-id\tcorpus-id\tscore\ndev\tq1\td1\t1\ndev\tq2\td2\t1\ntest\tq3\td3\t1\ndev\tq4\td1\t0\n"
TREC = "q1 0 d1 1\nq2 0 d2 2\nq3 0 d3 1\nq4 0 d1 0\n"


def write_set(folder: Path, qrels: str, name: str = "qrels.tsv") -> tuple[Path, Path, Path]:
    corpus, queries, judged = folder / "corpus.jsonl.gz", folder / "queries.jsonl", folder / name
    corpus.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in CORPUS).encode()))
    queries.write_text("".join(json.dumps(row) + "\n" for row in QUERIES))
    judged.write_text(qrels)
    return corpus, queries, judged


def test_a_tab_separated_file_and_a_split_are_read(tmp_path: Path) -> None:
    data = read_retrieval_set(*write_set(tmp_path, TSV), split="dev")
    assert list(data.corpus) == ["d1", "d2", "d3"]
    assert data.corpus["d1"] == ("Doors", CORPUS[0]["text"])
    assert data.qrels == {"q1": {"d1": 1}, "q2": {"d2": 1}}
    assert list(data.queries) == ["q1", "q2"]


def test_a_trec_file_is_read_and_queries_without_a_relevant_document_are_left_out(tmp_path: Path) -> None:
    data = read_retrieval_set(*write_set(tmp_path, TREC, "qrels.trec"))
    assert data.qrels == {"q1": {"d1": 1}, "q2": {"d2": 2}, "q3": {"d3": 1}}


def test_a_sample_of_queries_keeps_the_whole_corpus(tmp_path: Path) -> None:
    data = read_retrieval_set(*write_set(tmp_path, TREC), limit=1, seed=5)
    assert len(data.queries) == len(data.qrels) == 1
    assert len(data.corpus) == 3


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("q1 0 d1 one\n", "line 1: 'q1 0 d1 one' is no judgement"),
        ("query-id\tcorpus-id\nq1\td1\n", "line 2"),
        ("q9 0 d1 1\n", "judges no document relevant"),
        ("", "judges no document relevant"),
    ],
)
def test_judgements_that_cannot_be_used_are_refused_with_the_reason(tmp_path: Path, qrels: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_retrieval_set(*write_set(tmp_path, qrels))


def test_a_document_without_a_text_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    corpus, queries, qrels = write_set(tmp_path, TREC)
    with pytest.raises(DataError, match=r"qrels\.gone cannot be read"):
        read_retrieval_set(corpus, queries, qrels.with_suffix(".gone"))
    queries.write_text('{"id": "q1"}\n')
    with pytest.raises(DataError, match='line 1, must have an "id" and a "text"'):
        read_retrieval_set(corpus, queries, qrels)


def test_the_measures_are_those_of_the_definitions() -> None:
    qrels = {"a": {"x": 1, "y": 1}, "b": {"z": 1}, "c": {"x": 1}}
    values = measure({"a": ["n", "x", "m", "y"], "b": ["z"], "c": []}, qrels)
    ideal = 1 + 1 / math.log2(3)
    assert values["nDCG@10"] == pytest.approx([(1 / math.log2(3) + 1 / math.log2(5)) / ideal, 1.0, 0.0])
    assert values["MRR@10"] == pytest.approx([0.5, 1.0, 0.0])
    assert values["recall@5"] == pytest.approx([1.0, 1.0, 0.0])


def test_what_is_first_found_below_the_tenth_place_has_no_reciprocal_rank() -> None:
    ranking = [f"n{i}" for i in range(10)] + ["x"]
    values = measure({"a": ranking}, {"a": {"x": 1}})
    assert values["MRR@10"] == values["recall@10"] == values["nDCG@10"] == [0.0]
    assert values["recall@20"] == [1.0]


def test_a_document_stands_where_its_best_passage_does() -> None:
    passages = make_passages("a", "b", "c", "d", names=["1", "0", "1", "2"])
    assert rank_documents(passages, ["x", "y", "z"]) == ["y", "x", "z"]


def test_every_way_to_search_finds_the_right_document_with_the_real_models(
    handbook: Application, tmp_path: Path
) -> None:
    data = read_retrieval_set(*write_set(tmp_path, TSV), split="dev")
    asked: list[int] = []
    with EvaluationWorkshop(handbook).library_of(list(data.corpus.values())) as library:
        result = run_queries(data, searches_of(handbook, library), on_query=lambda: asked.append(1))
    assert list(result["systems"]) == ["dense", "words", "fused", "reranked"]
    assert len(asked) == 8
    for way, system in result["systems"].items():
        assert system["figures"]["recall@5"] == 1.0, way
        assert set(system["figures"]) == set(system["intervals_95"])
    assert result["systems"]["reranked"]["figures"]["nDCG@10"] == 1.0
