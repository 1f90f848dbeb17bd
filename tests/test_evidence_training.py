"""Training the evidence model and fitting its probabilities, on a tiny encoder."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertModel

from rag_app.errors import DataError
from rag_app.json_lines import read_json_lines
from rag_app.models.catalogue import ModelSource
from rag_app.models.evidence import Calibration, load_evidence
from rag_app.models.evidence_network import CLAIM_PREFIX, EvidenceNetwork, Logits
from rag_app.training.calibration import (
    Scored,
    calibrate,
    fit_logistic,
    join_fits,
    made_pairs,
    score_held_out,
    score_made,
    write_description,
)
from rag_app.training.evidence import TrainingOptions, train_evidence
from rag_app.training.evidence_corpus import Source, pack_mixture
from rag_app.training.evidence_data import Pair, Stance
from rag_app.training.evidence_loss import auroc, loss_of
from rag_app.training.evidence_mixture import make_part
from rag_app.training.evidence_rows import IGNORED, collate, pack, plan_epoch, stream_batches
from rag_app.training.training_sets import TrainingSets
from tests.tiny_evidence import TINY, save_tiny_bert, write_tiny_sets

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("tiny_bert"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture(scope="module")
def trained(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    train_evidence(data, base, out, TINY)
    return out


def test_training_changes_the_updates_and_measures_every_task(base: Path, data: Path, tmp_path: Path) -> None:
    figures = train_evidence(data, base, tmp_path, TINY)
    assert figures["step"] == figures["steps"] == TINY.steps
    for name in ("answerable_auroc", "relevance_auroc", "span_exact"):
        assert 0 <= figures[f"reading.{name}"] <= 1
    assert 0 <= figures["healthver_train.supported_balanced"] <= 1
    values = load_file(tmp_path / "adapter.safetensors")
    assert all(v.abs().sum() > 0 for name, v in values.items() if name.endswith(".up"))


def test_a_run_taken_up_again_ends_as_one_that_was_never_stopped(
    base: Path, data: Path, trained: Path, tmp_path: Path
) -> None:
    # A run whose time is over at once makes a single step.
    steps = [train_evidence(data, base, tmp_path, replace(TINY, minutes=0.0))["step"] for _ in range(6)]
    assert steps == [1, 2, 3, 4, 5, 6]
    whole, parts = (load_file(folder / "adapter.safetensors") for folder in (trained, tmp_path))
    for name, value in whole.items():
        assert torch.equal(value, parts[name]), name


def test_a_finished_run_only_writes_what_it_had(base: Path, data: Path, trained: Path) -> None:
    before = load_file(trained / "adapter.safetensors")
    train_evidence(data, base, trained, TINY)
    after = load_file(trained / "adapter.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_checkpoint_of_another_run_is_refused(base: Path, data: Path, trained: Path) -> None:
    with pytest.raises(DataError, match="other data or options"):
        train_evidence(data, base, trained, replace(TINY, seed=1))


def test_a_checkpoint_of_a_run_that_began_from_other_weights_is_refused(
    base: Path, data: Path, trained: Path, tmp_path: Path
) -> None:
    begun = tmp_path / "begun.safetensors"
    begun.write_bytes((trained / "adapter.safetensors").read_bytes())
    with pytest.raises(DataError, match="other data or options"):
        train_evidence(data, base, trained, replace(TINY, start=begun))


def test_all_weights_are_trained_and_what_changed_becomes_an_adapter_that_gives_the_same(
    base: Path, data: Path, trained: Path, tmp_path: Path
) -> None:
    start = trained / "adapter.safetensors"
    options = replace(TINY, all_weights=True, rank=32, peak_rate=1e-2, start=start)
    train_evidence(data, base, tmp_path, options)
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["master"]
    merged, begun = _plain(base), _plain(base)
    merged.merge_adapter(load_file(tmp_path / "adapter.safetensors"))
    begun.merge_adapter(load_file(start))
    name = "encoder.encoder.layer.0.attention.self.query.weight"
    assert not torch.allclose(dict(begun.named_parameters())[name], state[name], atol=1e-3)
    for name, value in merged.named_parameters():
        if name in state:
            torch.testing.assert_close(value.detach(), state[name], atol=2e-3, rtol=0.01)
    assert not any(name.startswith("encoder.embeddings") for name in state)


def test_training_all_weights_tells_of_an_adapter_that_does_not_fit(base: Path, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"head.bias": torch.ones(3)}, other)
    with pytest.raises(DataError, match="other.safetensors does not fit at 'head.bias'"):
        train_evidence(data, base, tmp_path / "out", replace(TINY, all_weights=True, start=other))


def _plain(base: Path) -> EvidenceNetwork:
    return EvidenceNetwork(BertModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False))


def test_a_folder_without_training_sets_is_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training pairs"):
        train_evidence(tmp_path, base, tmp_path / "out", TrainingOptions(device="cpu"))


def test_rows_are_the_tokens_that_the_tokenizer_makes_of_the_pair(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [
        Pair("How many days?", "Leave", "Up to ten days.", answerable=True, span=(6, 9), relevant=True),
        Pair("Ten days of leave", "", "Up to ten days.", stance=Stance.REFUTED),
    ]
    rows = pack(pairs, tokenizer, max_tokens=64)
    batch = collate(rows, np.array([0, 1]))
    texts = [(pairs[0].first, "Leave\nUp to ten days."), (CLAIM_PREFIX + pairs[1].first, pairs[1].passage)]
    for i, (first, second) in enumerate(texts):
        whole = tokenizer(first, second, return_token_type_ids=True)
        length = len(whole["input_ids"])
        assert batch.ids[i, :length].tolist() == whole["input_ids"]
        assert batch.segments[i].tolist()[:length] == whole["token_type_ids"]
        assert batch.mask[i].sum() == length
    assert batch.labels[1].tolist() == [IGNORED, IGNORED, Stance.REFUTED, IGNORED, IGNORED]
    relevant, answerable, stance, start, end = batch.labels[0].tolist()
    assert (relevant, answerable, stance) == (1, 1, IGNORED)
    assert tokenizer.decode(batch.ids[0, start : end + 1]) == "ten"


def test_several_processes_make_the_same_rows(base: Path, data: Path) -> None:
    source = Source(data, base, 0, 128, None)
    (one, held), (two, _) = pack_mixture(source, processes=1), pack_mixture(source, processes=2)
    assert len(one) > 100
    assert held.keys() == {"reading", "healthver_train", "rules"}
    for field in ("ids", "offsets", "firsts", "labels"):
        assert np.array_equal(getattr(one, field), getattr(two, field))
    last = collate(one, np.array([len(one) - 1]))
    assert last.ids[0].tolist() == one.ids[one.offsets[-2] :].tolist()


def test_an_answer_of_characters_that_the_tokenizer_drops_teaches_no_span(base: Path) -> None:
    pair = Pair("when", "", "noon \x01 noon", answerable=True, span=(5, 6))
    rows = pack([pair], AutoTokenizer.from_pretrained(base), max_tokens=50)
    assert rows.labels[0].tolist() == [IGNORED, 1, IGNORED, IGNORED, IGNORED]


def test_too_long_pairs_are_left_out(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [Pair("when", "", "noon " * 100, answerable=False), Pair("when", "", "noon", answerable=False)]
    assert len(pack(pairs, tokenizer, max_tokens=50)) == 1


def test_an_epoch_has_every_row_once_in_batches_within_the_limit(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [Pair("when", "", "noon " * n, answerable=False) for n in range(1, 60)]
    rows = pack(pairs, tokenizer, max_tokens=64)
    plan = plan_epoch(rows, 3, tokens=256)
    assert sorted(int(i) for chosen in plan for i in chosen) == list(range(59))
    assert all(len(chosen) * rows.lengths[chosen].max() <= 256 for chosen in plan)
    for batch, chosen in zip(stream_batches(rows, plan, pin=False), plan, strict=True):
        assert batch.mask.sum(1).tolist() == rows.lengths[chosen].tolist()


def test_a_claim_known_only_as_not_supported_may_be_refuted_or_neither() -> None:
    zeros, three = torch.zeros(1), torch.tensor([[-9.0, 9.0, -9.0]])
    logits = Logits(zeros, zeros, three, torch.zeros(1, 4), torch.zeros(1, 4))
    losses = {
        stance: float(loss_of(logits, torch.tensor([[IGNORED, IGNORED, int(stance), IGNORED, IGNORED]])))
        for stance in Stance
    }
    assert losses[Stance.NOT_SUPPORTED] == pytest.approx(losses[Stance.REFUTED], abs=1e-4)
    assert losses[Stance.NOT_SUPPORTED] < 0.01 < losses[Stance.SUPPORTED]
    assert losses[Stance.NEITHER] > 1


def test_the_area_under_the_curve_counts_ties_half() -> None:
    scores = np.array([0.1, 0.4, 0.4, 0.8], dtype=np.float32)
    assert auroc(scores, np.array([False, False, True, True])) == pytest.approx(0.875)
    assert auroc(-scores, np.array([False, False, True, True])) == pytest.approx(0.125)


def test_calibration_recovers_the_frequencies_of_its_scores() -> None:
    rng = random.Random(0)
    truth = Calibration(answerable_weight=0.8, span_weight=0.2, bias=-1.0)
    drawn = [(rng.uniform(-5, 5), rng.uniform(-5, 5)) for _ in range(6000)]
    fitted = join_fits(
        answers=[Scored(scores, rng.random() < truth.answerable(*scores)) for scores in drawn],
        relevance=[Scored((a,), rng.random() < truth.answerable(a, 0.0)) for a, _ in drawn],
        support=[],
    )
    assert fitted.answerable_weight == pytest.approx(0.8, abs=0.1)
    assert fitted.span_weight == pytest.approx(0.2, abs=0.1)
    assert fitted.bias == pytest.approx(-1.0, abs=0.15)
    assert (fitted.relevance_weight, fitted.relevance_bias) == pytest.approx((0.8, -1.0), abs=0.15)
    assert (fitted.support_weight, fitted.support_bias) == (1.0, 0.0)


def test_a_case_of_weight_three_counts_as_three() -> None:
    cases = [Scored((-1.0,), False), Scored((1.0,), False), Scored((1.0,), True)]
    once = fit_logistic([*cases, cases[1], cases[1]])
    assert fit_logistic([cases[0], replace(cases[1], weight=3.0), cases[2]]) == pytest.approx(once)


def test_calibration_meets_each_question_with_and_without_its_paragraph(base: Path, data: Path, trained: Path) -> None:
    write_description(trained, name="tiny", base_sha256="0", calibration=Calibration())
    model = load_evidence(base, trained, device=CPU, dtype=torch.float32)
    rows = [row for _, row in read_json_lines(data / "squad_v2_train_articles.jsonl.gz")]
    assert len(score_held_out(model, rows)) == 8 + 4
    assert {case.right for case in score_made(model, made_pairs(20, seed=1))} == {True, False}


def test_calibration_is_written_beside_the_adapter(base: Path, data: Path, trained: Path, tmp_path: Path) -> None:
    source = ModelSource("tiny", "embedder", base, licence="MIT", origin="made here", sha256="0")
    fitted = calibrate(trained, source, data, made=10)
    model = load_evidence(base, trained, device=CPU, dtype=torch.float32)
    assert model.name.startswith("evidence-tiny@")
    for field in ("answerable_weight", "relevance_weight", "support_weight"):
        assert getattr(fitted, field) not in (1.0, 0.0)
    with pytest.raises(DataError, match="squad_v2_train_articles"):
        calibrate(trained, source, tmp_path)


def test_questions_of_ones_own_are_learned_with_the_passage_that_answers(tmp_path: Path) -> None:
    passages = [
        {"title": "Parks", "text": "The park opens at nine."},
        {"title": "Keys", "text": "The key is in box 7."},
    ]
    row = {"id": "1", "question": "Where is the key?", "passages": passages, "answers": ["box 7"], "answerable": True,
           "gold_passages": [1]}  # fmt: skip
    (tmp_path / "own_questions.jsonl").write_text(json.dumps(row))
    pairs = make_part(TrainingSets(tmp_path, seed=0, rows_per_set=None), "own", 0)
    answered = [p for p in pairs if p.answerable and p.span]
    assert answered
    assert {p.passage[slice(*p.span)] for p in answered if p.span} == {"box 7"}
