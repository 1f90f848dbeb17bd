"""The evidence model: adapters, spans, windows, calibration and training, on a tiny encoder that the tests make."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save, save_file
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer

from rag_app.errors import ModelDamaged, ModelMissing
from rag_app.models.evidence import NO_CELL, Calibration, EvidenceModel, best_spans, load_evidence, number_cells
from rag_app.models.evidence_network import EvidenceNetwork, Logits
from rag_app.training.calibration import write_description
from rag_app.training.evidence import train_evidence
from rag_app.training.evidence_data import Pair
from rag_app.training.evidence_rows import collate, pack
from rag_app.training.evidence_weights import load_base
from tests.tiny_evidence import TINY, save_tiny_bert, write_tiny_sets

CPU, FLOAT = torch.device("cpu"), torch.float32


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_bert(tmp_path_factory.mktemp("tiny_bert"))


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter trained for a moment."""
    out = tmp_path_factory.mktemp("adapter")
    train_evidence(write_tiny_sets(tmp_path_factory.mktemp("sets")), base, out, TINY)
    write_description(out, name="tiny", base_sha256="0", calibration=Calibration())
    return out


def test_a_trained_adapter_loads(base: Path, adapter: Path) -> None:
    model = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    assert model.name == "tiny"
    assert len(model.weigh("How many days?", [("", "Ten days.")])) == 1


def test_a_merged_adapter_gives_what_training_saw(base: Path, adapter: Path) -> None:
    values = load_file(adapter / "adapter.safetensors")
    adapted = load_base(base, 4, dropout=0.0, device=CPU).float()
    for name, parameter in adapted.trainable():
        parameter.data.copy_(values[name])
    # Training holds the base rounded to bfloat16.
    merged = EvidenceNetwork(BertModel.from_pretrained(base, dtype=torch.bfloat16, add_pooling_layer=False)).float()
    merged.merge_adapter(values)
    tokenizer = AutoTokenizer.from_pretrained(base)
    rows = pack([Pair("how many days", "", "up to ten days", answerable=False)], tokenizer, max_tokens=64)
    batch = collate(rows, np.array([0]))
    inputs = (batch.ids, batch.segments, batch.mask)
    with torch.no_grad():
        one, other = adapted.eval()(*inputs), merged.eval()(*inputs)
    assert torch.allclose(one.answerable, other.answerable, atol=1e-4)
    assert torch.allclose(one.start[:, 5:-1], other.start[:, 5:-1], atol=1e-4)


def test_an_adapter_of_another_shape_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    config = BertConfig.from_pretrained(base, hidden_size=16)
    BertModel(config).save_pretrained(tmp_path)
    BertTokenizer.from_pretrained(base).save_pretrained(tmp_path)
    with pytest.raises(ModelDamaged, match="does not fit"):
        load_evidence(tmp_path, adapter, device=CPU, dtype=FLOAT)


def test_a_missing_adapter_is_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="incomplete"):
        load_evidence(base, tmp_path, device=CPU, dtype=FLOAT)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("adapter.safetensors", b"cut off", "is damaged"),
        ("adapter.json", b"{", "is damaged"),
        ("adapter.json", b'{"name": "tiny"}', "is damaged"),
        ("adapter.json", b'{"name": "tiny", "calibration": {"slope": 1}}', "is damaged"),
        ("adapter.safetensors", save({"pool.bias": torch.zeros(32)}), "does not fit"),
        ("adapter.safetensors", save({"supported.weight": torch.zeros(1, 32)}), "does not fit"),
    ],
)
def test_a_damaged_adapter_is_named_with_the_remedy(
    base: Path, adapter: Path, tmp_path: Path, file: str, content: bytes, reason: str
) -> None:
    copy = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    (copy / file).write_bytes(content)
    with pytest.raises(ModelDamaged, match=f"{reason}.* Install rag_app again"):
        load_evidence(base, copy, device=CPU, dtype=FLOAT)


class Counting(torch.nn.Module):
    """A network that only counts tokens, so that nearly all the time goes to the tokenizer."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, ids: torch.Tensor, segments: torch.Tensor, mask: torch.Tensor) -> Logits:
        count = mask.sum(1) / 1000
        three = torch.stack([count, -count, -count], dim=1)
        return Logits(relevance=count, answerable=count, supported=three, start=ids.float(), end=ids.float())


def test_threads_may_use_it_at_once(base: Path) -> None:
    network: Any = Counting()
    model = EvidenceModel(network, AutoTokenizer.from_pretrained(base), name="counting", calibration=Calibration())
    # Long enough for the tokenizer to truncate both texts, which it does by a state of its own.
    pairs = [("how many days of leave " * 100, "up to ten days of leave may be carried over " * 60)] * 16
    expected = model.support(pairs)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: model.support(pairs), range(24))) == [expected] * 24


def test_spans_count_characters_of_the_passage_and_never_lie_in_its_heading(base: Path, adapter: Path) -> None:
    model = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    text = "Up to ten days of leave may be carried over."
    for heading in ("", "The canteen opens at noon every day"):
        spans = model.weigh("How many days?", [(heading, text)])[0].spans
        assert spans
        for span in spans:
            assert 0 <= span.start < span.end <= len(text)
            assert text[span.start : span.end].strip() == text[span.start : span.end]


def test_a_long_passage_is_read_to_its_end(base: Path, adapter: Path) -> None:
    model = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    filler = "the canteen opens at noon every day . " * 200
    found = model.weigh("how many days ?", [("", filler), ("", "ten days"), ("", "")])
    assert found[0].spans
    assert max(span.end for span in found[0].spans) <= len(filler)
    assert found[2].spans == ()
    assert found[2].probability == 0.0
    assert model.weigh("how many days ?", []) == []


def test_a_batch_gives_what_single_passages_give(base: Path, adapter: Path) -> None:
    model = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    passages = [("", "ten days"), ("leave", "the canteen opens at noon every day"), ("", "noon")]
    together = model.weigh("when ?", passages)
    alone = [model.weigh("when ?", [p])[0] for p in passages]
    for one, other in zip(together, alone, strict=True):
        assert one.answerable_logit == pytest.approx(other.answerable_logit, abs=1e-4)
        assert [(s.start, s.end) for s in one.spans] == [(s.start, s.end) for s in other.spans]


def test_support_scores_every_pair_in_order(base: Path, adapter: Path) -> None:
    model = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    pairs = [("ten days", "up to ten days"), ("noon", "the canteen opens"), ("x " * 400, "anna berg runs the lab")]
    scores = model.support(pairs)
    assert scores == pytest.approx([model.support([p])[0] for p in pairs], abs=1e-4)
    assert all(0 < s < 1 for s in scores)
    assert model.support([]) == []
    verdicts = model.judge_claims(pairs)
    assert [v.supported for v in verdicts] == pytest.approx(scores, abs=1e-4)
    assert [v.supported + v.refuted + v.neither for v in verdicts] == pytest.approx([1.0] * 3)
    assert model.judge_claims([]) == []


def test_a_verdict_keeps_its_order_when_support_is_calibrated() -> None:
    plain, doubting = Calibration(), Calibration(support_bias=-3.0)
    first, second = plain.verdict(2.0, 1.0, 0.0), doubting.verdict(2.0, 1.0, 0.0)
    assert (first.supported, first.refuted) == pytest.approx((0.6652, 0.2447), abs=1e-4)
    assert second.supported < first.supported
    assert second.refuted / second.neither == pytest.approx(first.refuted / first.neither)


def test_an_adapter_of_older_heads_is_refused(base: Path, adapter: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    values = load_file(adapter / "adapter.safetensors")
    save_file({n: v for n, v in values.items() if not n.startswith("relevance.")}, copy / "adapter.safetensors")
    with pytest.raises(ModelDamaged, match="does not fit"):
        load_evidence(base, copy, device=CPU, dtype=FLOAT)


def test_the_best_spans_are_ordered_short_and_do_not_overlap() -> None:
    start, end = torch.zeros(50), torch.zeros(50)
    start[10], end[5], end[45], end[12] = 5.0, 9.0, 8.0, 3.0
    found = best_spans(start, end, [1 if i > 5 else NO_CELL for i in range(50)])
    assert found[0][:2] == (10, 12)
    assert found[0][2] == pytest.approx(8.0)
    taken = [set(range(first, last + 1)) for first, last, _ in found]
    assert all(not one & other for i, one in enumerate(taken) for other in taken[:i])
    assert [m for _, _, m in found] == sorted((m for _, _, m in found), reverse=True)
    assert best_spans(start, end, [NO_CELL] * 50) == []


def test_a_span_stays_in_its_cell() -> None:
    start, end = torch.zeros(10), torch.zeros(10)
    start[2], end[7] = 5.0, 5.0
    assert best_spans(start, end, [1] * 10)[0][:2] == (2, 7)
    assert best_spans(start, end, [1] * 5 + [2] * 5)[0][:2] != (2, 7)


def test_the_cells_of_a_row_are_its_values() -> None:
    text = "Rates\nCountry: Norway; Rate: 85 EUR\nNote: ask first. Then travel."
    cells = number_cells(text)
    assert len(cells) == len(text)
    values = {number: "" for number in cells}
    for character, number in zip(text, cells, strict=True):
        values[number] += character
    assert values.pop(NO_CELL) == "Country: ; Rate: "
    assert [v.strip() for v in values.values()] == ["Rates", "Norway", "85 EUR", "Note: ask first.", "Then travel."]
