"""Claims are judged by the best of their evidence, and the figures tell both kinds of mistakes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag_app.assembly import Application
from rag_app.errors import DataError
from rag_app.evaluation.claims import Claim, evidence_texts, figures_of, read_claims, run_claims, score_claim
from tests.fakes import WordEvidence

TEXT = "The door is blue. The roof is red. Nobody lives there."
ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "The door is blue.", "passages": [{"title": "House", "text": TEXT}], "supported": True},
    {"id": "b", "question": "Elephants paint walls.", "passages": [{"title": "", "text": TEXT}], "supported": False},
    {"id": "c", "question": "The roof is red.", "passages": [{"text": TEXT}], "supported": True, "split": "test"},
]


def write(folder: Path, rows: list[Any]) -> Path:
    file = folder / "claims.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_claim_is_held_against_sentences_neighbours_and_whole_passages_under_their_titles() -> None:
    assert evidence_texts([("House", TEXT)]) == [
        "House: The door is blue.",
        "House: The roof is red.",
        "House: Nobody lives there.",
        "House: The door is blue. The roof is red.",
        "House: The roof is red. Nobody lives there.",
        f"House: {TEXT}",
    ]
    assert evidence_texts([("", "One sentence.")]) == ["One sentence."]
    assert evidence_texts([]) == []


def test_the_best_of_the_evidence_counts_and_no_evidence_supports_nothing() -> None:
    model = WordEvidence()
    assert score_claim(Claim("a", "The roof is red.", (("", "Cats sleep."), ("", TEXT)), True), model) == 1.0
    assert score_claim(Claim("a", "The roof is red.", (), True), model) == 0.0


def test_the_figures_come_with_both_classes_and_intervals(tmp_path: Path) -> None:
    claims = read_claims(write(tmp_path, ROWS))
    judged: list[int] = []
    result = run_claims(claims, WordEvidence(), threshold=0.75, on_claim=lambda: judged.append(1))
    assert (result["n"], result["supported"], result["unsupported"]) == (3, 2, 1)
    assert result["balanced_accuracy"] == result["auroc"] == 1.0
    assert result["intervals_95"]["balanced_accuracy"] == (1.0, 1.0)
    assert len(judged) == 3


def test_the_threshold_moves_accuracy_but_not_the_order() -> None:
    truth, scores = np.array([True, True, False, False]), np.array([0.9, 0.4, 0.3, 0.1])
    low, high = figures_of(truth, scores, 0.35), figures_of(truth, scores, 0.75)
    assert low["balanced_accuracy"] == 1.0
    assert (high["supported_found"], high["unsupported_refused"]) == (0.5, 1.0)
    assert high["balanced_accuracy"] == 0.75
    assert low["auroc"] == high["auroc"] == 1.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([ROWS[0], {"id": "x", "question": "?", "passages": []}], "line 2: 'supported'"),
        ([ROWS[0] | {"supported": "yes"}], "supported is 'yes'"),
        ([ROWS[0], ROWS[2]], "must hold claims that are supported and claims that are not"),
    ],
)
def test_a_file_that_cannot_be_measured_is_refused_with_the_reason(
    tmp_path: Path, rows: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_claims(write(tmp_path, rows))


def test_a_split_and_a_sample_can_be_chosen(tmp_path: Path) -> None:
    rows = [row | {"split": "test"} for row in ROWS * 10] + [{"split": "train"}]
    claims = read_claims(write(tmp_path, rows), split="test", limit=12, seed=1)
    assert len(claims) == 12


def test_the_real_model_tells_what_is_said_from_what_is_not(handbook: Application) -> None:
    claims = [Claim(row["id"], row["question"], (("", TEXT),), row["supported"]) for row in ROWS]
    assert run_claims(claims, handbook.evidence, threshold=0.75)["auroc"] == 1.0
