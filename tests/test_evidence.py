"""The evidence model: adapters, spans, windows, calibration and training, on a tiny encoder that the tests make."""

import gzip
import json
import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer

from rag_app.errors import ModelDamaged, ModelMissing
from rag_app.models.evidence import NO_CELL, Calibration, EvidenceModel, best_spans, load_evidence, number_cells
from rag_app.models.evidence_network import EvidenceNetwork, Logits
from rag_app.training.calibration import fit_calibration, score_held_out, score_tables, write_description
from rag_app.training.evidence import TrainingOptions, collate, encode, load_base, train_evidence
from rag_app.training.evidence_data import Pair, find_span, swap_question
from rag_app.training.evidence_mixture import build_pairs
from rag_app.training.table_data import table_pairs

CPU, FLOAT = torch.device("cpu"), torch.float32
WORDS = (
    "how many days leave may be carried over up to ten the canteen opens at noon every day when does it open "
    "who runs lab anna berg claim is a of in and year next seven wifi password"
).split()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT of two small layers, with a vocabulary of the words above."""
    folder = tmp_path_factory.mktemp("tiny_bert")
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.,:?"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys([*WORDS, *letters])]
    vocabulary += [f"##{c}" for c in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training sets of a few rows, in the names and the format of the real ones."""
    folder = tmp_path_factory.mktemp("sets")
    texts = ["Up to ten days of leave may be carried over.", "The canteen opens at noon every day."]
    asked = [("How many days of leave may be carried over?", "ten"), ("When does the canteen open?", "noon")]
    rows: list[dict[str, Any]] = [
        {"id": f"{a}{i}", "question": q, "passages": [{"title": f"t{a}", "text": text}], "answers": [answer],
         "answerable": True, "task": "extractive_qa", "article": f"t{a}"}
        for a in range(6) for i, ((q, answer), text) in enumerate(zip(asked, texts, strict=True))
    ]  # fmt: skip
    rows += [row | {"id": row["id"] + "u", "answers": [], "answerable": False,
                    "question": "What is the wifi password?"} for row in rows]  # fmt: skip
    claims = [
        {"id": str(i), "question": "Leave may be carried over", "passages": [{"title": "", "text": texts[i % 2]}],
         "task": "claim_verification", "supported": not i % 2} for i in range(8)
    ]  # fmt: skip
    for name, some in (("squad_v1_train", rows), ("squad_v2_train_articles", rows), ("rte", claims)):
        text = "".join(json.dumps(r) + "\n" for r in some)
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return folder


@pytest.fixture(scope="module")
def adapter(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter trained for a moment."""
    out = tmp_path_factory.mktemp("adapter")
    train_evidence(data, base, out, TrainingOptions(minutes=0.04, rank=4, batch_tokens=512, checkpoint_seconds=1))
    write_description(out, name="tiny", base_sha256="0", calibration=Calibration())
    return out


def test_training_writes_an_adapter_that_loads_and_differs_from_the_start(base: Path, adapter: Path) -> None:
    values = load_file(adapter / "adapter.safetensors")
    assert any(v.abs().sum() > 0 for name, v in values.items() if name.endswith(".up"))
    model = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    assert model.name == "tiny"
    assert len(model.weigh("How many days?", [("", "Ten days.")])) == 1


def test_training_takes_up_a_checkpoint(
    base: Path, data: Path, adapter: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = torch.load(adapter / "checkpoint.pt", weights_only=True)
    assert state["step"] > 0
    before = load_file(adapter / "adapter.safetensors")
    train_evidence(data, base, adapter, TrainingOptions(minutes=state["spent"] / 60 / 2, rank=4, batch_tokens=512))
    after = load_file(adapter / "adapter.safetensors")
    for name, value in state["master"].items():
        assert torch.equal(after[name], value.half()), "a run whose time is over only writes what it had"
    assert before.keys() == after.keys()


def test_a_merged_adapter_gives_what_training_saw(base: Path, adapter: Path) -> None:
    values = load_file(adapter / "adapter.safetensors")
    adapted = load_base(base, rank=4).float()
    for name, parameter in adapted.trainable():
        parameter.data.copy_(values[name])
    # Training holds the base rounded to bfloat16.
    merged = EvidenceNetwork(BertModel.from_pretrained(base, dtype=torch.bfloat16, add_pooling_layer=False)).float()
    merged.merge_adapter(values)
    tokenizer = AutoTokenizer.from_pretrained(base)
    batch = collate(encode([Pair("how many days", "", "up to ten days", answerable=False)], tokenizer, max_tokens=64))
    with torch.no_grad():
        one, other = adapted.eval()(*batch), merged.eval()(*batch)
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
        return Logits(answerable=count, supported=count, start=ids.float(), end=ids.float())


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


def test_a_question_is_swapped_only_for_what_the_passage_lacks() -> None:
    passage = "Norway pays 85 euro a night."
    swapped = swap_question("What does Norway pay?", passage, ["What does Denmark pay?"], random.Random(0))
    assert swapped is None or (swapped != "What does Norway pay?" and "pay" in swapped)
    donors = ["What does 90 mean?"]
    assert swap_question("Why is 85 paid?", passage, donors, random.Random(1)) == "Why is 90 paid?"


def test_spans_are_the_shortest_answer_that_stands_in_the_passage() -> None:
    assert find_span("in May 2020 or so", ["in May 2020", "2020", "2021"]) == (7, 11)
    assert find_span("nothing", ["2020", ""]) is None


def test_pairs_hold_every_task_and_keep_whole_articles_out(data: Path) -> None:
    pairs, held = build_pairs(data, 0, squad_rows=100)
    assert {p.answerable for p in pairs} == {True, False, None}
    assert {p.supported for p in pairs} == {True, False, None}
    assert len(held) == 8
    texts = {pair.passage for pair in held}
    for pair in pairs + held:
        if pair.span and pair.passage in texts:
            assert pair.passage[pair.span[0] : pair.span[1]] in {"ten", "noon"}


def test_a_question_about_a_table_is_answerable_only_if_row_and_column_are_there() -> None:
    pairs = list(table_pairs(300, random.Random(0)))
    assert {p.answerable for p in pairs} == {True, False}
    for pair in pairs:
        assert pair.answerable or pair.span is None
        if pair.span:
            assert 0 < pair.span[0] < pair.span[1] <= len(pair.passage)
    codes = [p for p in pairs if p.first.startswith("Could you tell me the fee for ")]
    assert any(p.answerable for p in codes)
    for pair in codes:
        name = pair.first.removeprefix("Could you tell me the fee for ").removesuffix(", please?")
        both = name in re.findall(r"\w+", pair.passage) and "fee" in pair.passage.lower()
        assert both == pair.answerable


def test_too_long_pairs_are_left_out(base: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [Pair("when", "", "noon " * 100, answerable=False), Pair("when", "", "noon", answerable=False)]
    assert len(encode(pairs, tokenizer, max_tokens=50)) == 1


def test_calibration_recovers_the_frequencies_of_its_scores(base: Path, adapter: Path, data: Path) -> None:
    rng = random.Random(0)
    truth = Calibration(answerable_weight=0.8, span_weight=0.2, bias=-1.0)
    drawn = [(rng.uniform(-5, 5), rng.uniform(-5, 5)) for _ in range(6000)]
    fitted = fit_calibration([(a, m, rng.random() < truth.answerable(a, m)) for a, m in drawn])
    assert fitted.answerable_weight == pytest.approx(0.8, abs=0.1)
    assert fitted.span_weight == pytest.approx(0.2, abs=0.1)
    assert fitted.bias == pytest.approx(-1.0, abs=0.15)
    model: EvidenceModel = load_evidence(base, adapter, device=CPU, dtype=FLOAT)
    scored = score_held_out(model, data / "squad_v2_train_articles.jsonl.gz")
    assert len(scored) == 8 + 4
    assert {right for _, _, right in score_tables(model, 20, seed=1)} == {True, False}
