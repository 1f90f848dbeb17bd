"""The benchmark of large libraries measures what it says; its figures themselves are nobody's test."""

import json

import numpy as np
from typer import Typer
from typer.testing import CliRunner

from rag_app.benchmark_search import Nearest, Texts, main


def test_a_small_library_is_searched_exactly_and_measured() -> None:
    app = Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--chunks", "2000"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["chunks"], figures["n"]) == (2000, 300)
    assert figures["recall_at_10"] > 0.99
    assert figures["in_a_tenth"]["recall_at_10"] > 0.99
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert min(figures["peak_memory_mb"], figures["index_file_mb"], figures["open_seconds"]) > 0


def test_the_made_vectors_are_near_to_each_other_as_those_of_texts_are() -> None:
    texts = Texts(5000)
    queries = texts.queries(50)
    vectors = np.concatenate(list(texts.batches()))
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-3
    scores = np.sort(queries @ vectors.T, axis=1)
    assert 0.6 < scores[:, -1].mean() < 0.9
    assert abs(float(np.median(scores))) < 0.25


def test_the_nearest_are_those_of_all_batches() -> None:
    vectors = np.concatenate(list(Texts(3000).batches()))
    nearest = Nearest.to(vectors[:3])
    for start in (0, 1000, 2000):
        nearest.compare(np.arange(start, start + 1000), vectors[start : start + 1000])
    expected = np.argsort(-(vectors[:3] @ vectors.T), axis=1)[:, :10]
    assert nearest.recall(expected.tolist()) == 1
    assert nearest.recall([[], expected[1].tolist(), []]) == 1 / 3
