"""The evidence model: how well a passage answers a question, where, and whether a text supports a claim."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerBase

from rag_app.errors import ModelDamaged, ModelMissing
from rag_app.models.evidence_network import CLAIM_PREFIX, NEITHER, REFUTED, SUPPORTED, EvidenceNetwork, Logits
from rag_app.models.quiet import quietly

MAX_TOKENS = 512
MAX_FIRST_TOKENS = 192
STRIDE_TOKENS = 96
MAX_ANSWER_TOKENS = 30
BATCH_TOKENS = 4096
MOST_SPANS = 6
NO_CELL = -1
BREAK = re.compile(r"(?<=[a-z0-9)%]{3}[.!?])\s+(?=[A-Z])")
"""Between two sentences, where no abbreviation can be meant."""
LABEL = re.compile(r"(?:^|; )[^;:\n]{1,60}: ")


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """A possible answer: characters of the passage, and its score less that of there being none."""

    start: int
    end: int
    margin: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one passage is worth for a question.

    ``probability`` is the calibrated probability that the passage answers the question. ``spans`` are the
    likeliest answers in it, best first, none of which overlap; none where the passage is empty.
    ``span_margin`` is that of the best. ``relevance`` is the calibrated probability that the passage is about
    what the question asks, whether it answers or not.
    """

    probability: float
    spans: tuple[AnswerSpan, ...]
    answerable_logit: float
    span_margin: float
    relevance: float


@dataclass(frozen=True, slots=True)
class ClaimVerdict:
    """The probabilities that a text supports a claim, refutes it, or does neither; they sum to one."""

    supported: float
    refuted: float
    neither: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression from the raw scores to probabilities (Platt 1999)."""

    answerable_weight: float = 1.0
    span_weight: float = 0.0
    bias: float = 0.0
    support_weight: float = 1.0
    support_bias: float = 0.0
    relevance_weight: float = 1.0
    relevance_bias: float = 0.0

    def relevance(self, logit: float) -> float:
        return _sigmoid(self.relevance_weight * logit + self.relevance_bias)

    def answerable(self, logit: float, margin: float) -> float:
        return _sigmoid(self.answerable_weight * logit + self.span_weight * margin + self.bias)

    def verdict(self, supported: float, refuted: float, neither: float) -> ClaimVerdict:
        """Turn the three support logits into probabilities.

        The log odds of support are calibrated; what they leave is shared out as the other two logits say.
        """
        odds = supported - (max(refuted, neither) + math.log1p(math.exp(-abs(refuted - neither))))
        probability = _sigmoid(self.support_weight * odds + self.support_bias)
        share = _sigmoid(refuted - neither)
        return ClaimVerdict(probability, (1 - probability) * share, (1 - probability) * (1 - share))


class EvidenceModel:
    """Scores pairs of texts in batches. May be used from several threads."""

    def __init__(
        self, network: EvidenceNetwork, tokenizer: PreTrainedTokenizerBase, *, name: str, calibration: Calibration
    ) -> None:
        self.name = name
        self._network = network.eval()
        self._tokenizer = tokenizer
        self._calibration = calibration
        # How a tokenizer truncates is a state of its own: another thread must not change it in between.
        self._tokenizing = Lock()

    def weigh(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Evidence]:
        """Judge each (heading, text) for a question. Long texts are read in overlapping windows."""
        if not passages:
            return []
        best: list[Evidence] = [Evidence(0.0, (), -math.inf, -math.inf, 0.0) for _ in passages]
        for owner, found in self._windows(question, passages):
            if found.probability > best[owner].probability or not best[owner].spans:
                best[owner] = found
        return best

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return for each (claim, evidence) the calibrated probability that the evidence supports the claim."""
        return [verdict.supported for verdict in self.judge_claims(pairs)]

    def judge_claims(self, pairs: Sequence[tuple[str, str]]) -> list[ClaimVerdict]:
        """Return for each (claim, evidence) whether the evidence supports or refutes the claim.

        Of long evidence the part counts that says most about the claim, one way or the other.
        """
        if not pairs:
            return []
        best: list[ClaimVerdict] = [ClaimVerdict(0.0, 0.0, 1.0)] * len(pairs)
        encoded = self._encode([CLAIM_PREFIX + claim for claim, _ in pairs], [text for _, text in pairs])
        for rows in _by_length(encoded["input_ids"]):
            logits = self._run(encoded, rows).supported
            for row, three in zip(rows, logits.tolist(), strict=True):
                owner = encoded["overflow_to_sample_mapping"][row]
                verdict = self._calibration.verdict(three[SUPPORTED], three[REFUTED], three[NEITHER])
                if max(verdict.supported, verdict.refuted) > max(best[owner].supported, best[owner].refuted):
                    best[owner] = verdict
        return best

    def _windows(self, question: str, passages: Sequence[tuple[str, str]]) -> list[tuple[int, Evidence]]:
        texts = [f"{heading}\n{text}" if heading else text for heading, text in passages]
        shifts = [len(heading) + 1 if heading else 0 for heading, _ in passages]
        cell_of = [number_cells(text) for _, text in passages]
        encoded = self._encode([question] * len(texts), texts)
        found = []
        for rows in _by_length(encoded["input_ids"]):
            logits = self._run(encoded, rows)
            for place, row in enumerate(rows):
                owner = encoded["overflow_to_sample_mapping"][row]
                offsets, segments = encoded["offset_mapping"][row], encoded["token_type_ids"][row]
                cells = [
                    cell_of[owner][low - shifts[owner]] if part and high > low >= shifts[owner] else NO_CELL
                    for part, (low, high) in zip(segments, offsets, strict=True)
                ]
                spans = tuple(
                    AnswerSpan(offsets[first][0] - shifts[owner], offsets[last][1] - shifts[owner], margin)
                    for first, last, margin in best_spans(logits.start[place], logits.end[place], cells)
                )
                logit, margin = float(logits.answerable[place]), spans[0].margin if spans else -math.inf
                probability = self._calibration.answerable(logit, margin) if spans else 0.0
                relevance = self._calibration.relevance(float(logits.relevance[place])) if spans else 0.0
                found.append((owner, Evidence(probability, spans, logit, margin, relevance)))
        return found

    def _encode(self, firsts: list[str], seconds: list[str]) -> dict[str, Any]:
        with self._tokenizing:
            return self._encode_alone(firsts, seconds)

    def _encode_alone(self, firsts: list[str], seconds: list[str]) -> dict[str, Any]:
        heads = self._tokenizer(firsts, truncation=True, max_length=MAX_FIRST_TOKENS, return_offsets_mapping=True)
        ends = [max(high for _, high in offsets) for offsets in heads["offset_mapping"]]
        encoded = self._tokenizer(
            [first[:end] for first, end in zip(firsts, ends, strict=True)],
            seconds,
            truncation="only_second",
            max_length=MAX_TOKENS,
            stride=STRIDE_TOKENS,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        return dict(encoded)

    @torch.inference_mode()
    def _run(self, encoded: dict[str, Any], rows: Sequence[int]) -> Logits:
        longest = max(len(encoded["input_ids"][row]) for row in rows)
        ids, segments, mask = (torch.zeros((len(rows), longest), dtype=torch.long) for _ in range(3))
        for place, row in enumerate(rows):
            n = len(encoded["input_ids"][row])
            ids[place, :n] = torch.tensor(encoded["input_ids"][row])
            segments[place, :n] = torch.tensor(encoded["token_type_ids"][row])
            mask[place, :n] = 1
        device = next(self._network.parameters()).device
        logits = self._network(ids.to(device), segments.to(device), mask.to(device))
        return Logits(*(getattr(logits, field.name).cpu() for field in fields(Logits)))


def best_spans(start: Tensor, end: Tensor, cells: Sequence[int]) -> list[tuple[int, int, float]]:
    """Return the best (first token, last token, margin), at most MOST_SPANS, best first and without overlap.

    Args:
        start: logits, (length,); those at 0 stand for no answer.
        end: likewise.
        cells: the cell of each token; a span stays within one, and never touches NO_CELL.
    """
    length = len(cells)
    # A row per first token, a column per length: the square of all pairs takes as long as the network itself.
    last = np.arange(length)[:, None] + np.arange(MAX_ANSWER_TOKENS)
    padded = np.array([*cells, *[NO_CELL] * MAX_ANSWER_TOKENS])
    starts, ends = start[:length].float().numpy(), end[:length].float().numpy()
    scores = starts[:, None] + np.append(ends, np.full(MAX_ANSWER_TOKENS, -np.inf))[last] - starts[0] - ends[0]
    scores[(padded[last] != padded[:length, None]) | (padded[:length, None] == NO_CELL)] = -np.inf
    found: list[tuple[int, int, float]] = []
    while len(found) < MOST_SPANS:
        low, distance = divmod(int(scores.argmax()), MAX_ANSWER_TOKENS)
        margin = float(scores[low, distance])
        if margin == -math.inf:
            break
        high = low + distance
        found.append((low, high, margin))
        scores[: high + 1][last[: high + 1] >= low] = -np.inf
    return found


def number_cells(text: str) -> list[int]:
    """Return for each character the number of its cell, or NO_CELL in the labels of a table's row.

    A sentence is a cell, and so is a line; a row such as "Country: Norway; Rate: 85 EUR" has one for each value.
    """
    cells, number = [], 0
    for line in BREAK.sub(lambda blank: "\n" * len(blank.group()), text).splitlines(keepends=True):
        labels = list(LABEL.finditer(line))
        number += 1
        own = [number] * len(line)
        if len(labels) > 1:
            for label in labels:
                number += 1
                own[label.start() :] = [number] * (len(line) - label.start())
                own[label.start() : label.end()] = [NO_CELL] * len(label.group())
        cells += own
    return cells


def load_evidence(
    base: Path, adapter: Path, *, device: torch.device, dtype: torch.dtype, remedy: str = "Install rag_app again."
) -> EvidenceModel:
    """Load the encoder from ``base`` with the adapter in the folder ``adapter`` merged in; ``remedy`` ends its errors.

    Raises:
        ModelMissing: a file of the adapter is not there.
        ModelDamaged: a file of the adapter is damaged, or it does not fit the encoder.
    """
    weights, description = adapter / "adapter.safetensors", adapter / "adapter.json"
    if not weights.is_file() or not description.is_file():
        raise ModelMissing(f"The evidence adapter in {adapter} is incomplete. {remedy}")
    try:
        about = json.loads(description.read_text(encoding="utf-8"))
        name, calibration = str(about["name"]), Calibration(**about["calibration"])
        values = load_file(weights)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise ModelDamaged(f"The evidence adapter in {adapter} is damaged ({error}). {remedy}") from error
    with quietly():
        encoder = BertModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False)
    network = EvidenceNetwork(encoder)
    try:
        network.merge_adapter(values)
    except (KeyError, RuntimeError) as error:
        raise ModelDamaged(f"The evidence adapter {weights} does not fit {base}. {remedy}") from error
    tokenizer = AutoTokenizer.from_pretrained(base)
    return EvidenceModel(network.to(device=device, dtype=dtype), tokenizer, name=name, calibration=calibration)


def _by_length(ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Group rows of like length into batches of at most BATCH_TOKENS padded tokens."""
    groups: list[list[int]] = []
    for row in sorted(range(len(ids)), key=lambda i: len(ids[i])):
        if groups and len(ids[row]) * (len(groups[-1]) + 1) <= BATCH_TOKENS:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(min(value, 60.0), -60.0)))
