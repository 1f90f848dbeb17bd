"""Train the evidence model's adapter on question-answering and claim-checking pairs.

The base stays frozen in bfloat16; the updates, biases, layer norms and heads are kept in float32 by the
optimiser. The learning rate follows the clock (warm-up, then linear to zero over ``minutes``), so that a run
ends when it was told to, however fast the machine is. Checkpoints make it resumable.
"""

import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerBase

from rag_app.models.evidence_network import CLAIM_PREFIX, EvidenceNetwork, Logits
from rag_app.models.quiet import quietly
from rag_app.training.evidence_data import Pair
from rag_app.training.evidence_mixture import build_pairs

log = logging.getLogger(__name__)
IGNORED = -100


@dataclass(frozen=True, slots=True)
class Encoded:
    """A tokenised pair; start and end are token positions, IGNORED where no span is taught."""

    ids: NDArray[np.uint16]
    segments: NDArray[np.uint8]
    answerable: int
    supported: int
    start: int
    end: int


def encode(pairs: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, *, max_tokens: int) -> list[Encoded]:
    """Tokenise pairs; those longer than ``max_tokens`` are left out, for a cut passage may lose its answer."""
    slices = (pairs[low : low + 4096] for low in range(0, len(pairs), 4096))
    return [row for some in slices for row in _encode_some(some, tokenizer, max_tokens=max_tokens)]


def _encode_some(pairs: Sequence[Pair], tokenizer: PreTrainedTokenizerBase, *, max_tokens: int) -> list[Encoded]:
    firsts = [p.first if p.supported is None else CLAIM_PREFIX + p.first for p in pairs]
    seconds = [f"{p.heading}\n{p.passage}" if p.heading else p.passage for p in pairs]
    with quietly():
        batch = tokenizer(firsts, seconds, return_offsets_mapping=True, return_token_type_ids=True)
    encoded = []
    for i, pair in enumerate(pairs):
        ids, segments = batch["input_ids"][i], batch["token_type_ids"][i]
        if len(ids) > max_tokens:
            continue
        start = end = 0 if pair.answerable is False else IGNORED
        if pair.span is not None:
            shift = len(pair.heading) + 1 if pair.heading else 0
            low, high = pair.span[0] + shift, pair.span[1] + shift
            offsets = batch["offset_mapping"][i]
            inside = [t for t, (a, b) in enumerate(offsets) if segments[t] and a < high and b > low and b > a]
            start, end = inside[0], inside[-1]
        as_label = {None: IGNORED, True: 1, False: 0}
        packed = (np.array(ids, dtype=np.uint16), np.array(segments, dtype=np.uint8))
        encoded.append(Encoded(*packed, as_label[pair.answerable], as_label[pair.supported], start, end))
    return encoded


def batches(rows: Sequence[Encoded], rng: random.Random, *, tokens: int) -> Iterator[list[Encoded]]:
    """Yield batches of like length, of at most ``tokens`` padded tokens, for ever."""
    while True:
        order = rng.sample(range(len(rows)), len(rows))
        for low in range(0, len(order), 1500):
            window = sorted(order[low : low + 1500], key=lambda i: len(rows[i].ids))
            made: list[list[Encoded]] = [[]]
            for i in window:
                if len(rows[i].ids) * (len(made[-1]) + 1) > tokens:
                    made.append([])
                made[-1].append(rows[i])
            rng.shuffle(made)
            yield from (b for b in made if b)


def collate(batch: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
    """Pad a batch to (ids, segments, mask), each (batch, longest)."""
    longest = max(len(r.ids) for r in batch)
    shape = (len(batch), longest)
    ids, segments, mask = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    for i, row in enumerate(batch):
        n = len(row.ids)
        ids[i, :n] = torch.from_numpy(row.ids.astype(np.int64))
        segments[i, :n] = torch.from_numpy(row.segments.astype(np.int64))
        mask[i, :n] = 1
    return ids, segments, mask


def loss_of(logits: Logits, batch: Sequence[Encoded]) -> Tensor:
    """Sum the losses of the tasks that the batch teaches, each averaged over the rows that teach it."""

    def labels(field: str) -> Tensor:
        return torch.tensor([getattr(r, field) for r in batch])

    total = torch.zeros(())
    for field, values in (("answerable", logits.answerable), ("supported", logits.supported)):
        wanted = labels(field)
        known = wanted != IGNORED
        if known.any():
            share = known.float().mean()
            total = total + share * F.binary_cross_entropy_with_logits(values[known], wanted[known].float())
    start, end = labels("start"), labels("end")
    known = start != IGNORED
    if known.any():
        share = known.float().mean()
        spans = F.cross_entropy(logits.start[known], start[known]) + F.cross_entropy(logits.end[known], end[known])
        total = total + share * spans / 2
    return total


@torch.no_grad()
def measure(network: EvidenceNetwork, rows: Sequence[Encoded]) -> dict[str, float]:
    """Return the accuracy of the answerable head and of the spans on held-out rows."""
    network.eval()
    right = spans = with_span = 0
    for low in range(0, len(rows), 16):
        batch = rows[low : low + 16]
        logits = network(*collate(batch))
        for i, row in enumerate(batch):
            right += int((logits.answerable[i] > 0).item() == bool(row.answerable))
            if row.start > 0:
                with_span += 1
                start, end = logits.start[i, 1:].argmax() + 1, logits.end[i, 1:].argmax() + 1
                spans += int(start == row.start and end == row.end)
    network.train()
    return {"answerable_accuracy": right / len(rows), "span_exact": spans / max(with_span, 1)}


def load_base(folder: Path, rank: int) -> EvidenceNetwork:
    """Load the encoder in bfloat16 with an adapter of ``rank``; what is trained is float32.

    No dropout: drawing its masks takes more than half of a step on a CPU, and few rows are seen twice.
    """
    with quietly():
        encoder = BertModel.from_pretrained(
            folder,
            dtype=torch.bfloat16,
            add_pooling_layer=False,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    network = EvidenceNetwork(encoder)
    network.pool, network.answerable, network.supported, network.span = (
        m.to(torch.bfloat16) for m in (network.pool, network.answerable, network.supported, network.span)
    )
    network.add_adapter(rank)
    return network


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train. ``squad_rows`` of SQuAD 1.1 are used; batches hold ``batch_tokens`` padded tokens."""

    minutes: float
    seed: int = 0
    rank: int = 64
    peak_rate: float = 2e-3
    warm_up_steps: int = 100
    squad_rows: int = 60_000
    batch_tokens: int = 6144
    max_tokens: int = 384
    checkpoint_seconds: float = 300


class MasterWeights:
    """Float32 copies of the trained weights, which the optimiser moves; the network holds them rounded."""

    def __init__(self, network: EvidenceNetwork, peak_rate: float) -> None:
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        self._live = {name: p.requires_grad_(True) for name, p in network.trainable()}
        self.values = {name: p.detach().float().clone() for name, p in self._live.items()}
        matrices = [m for m in self.values.values() if m.dim() == 2]
        vectors = [m for m in self.values.values() if m.dim() != 2]
        groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=peak_rate, betas=(0.9, 0.98), fused=True)

    def step(self, rate: float) -> None:
        """Move the weights by the gradients that lie on the network, and clear these."""
        for name, parameter in self._live.items():
            if parameter.grad is not None:
                self.values[name].grad = parameter.grad.float()
                parameter.grad = None
        torch.nn.utils.clip_grad_norm_(list(self.values.values()), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self._copy_down()

    def restore(self, values: dict[str, Tensor], optimiser: dict[str, Any]) -> None:
        """Take up the state of a checkpoint."""
        self.optimiser.load_state_dict(optimiser)
        for name, value in self.values.items():
            value.copy_(values[name])
        self._copy_down()

    def save(self, file: Path) -> None:
        """Write the adapter in float16."""
        save_file({name: m.half().contiguous() for name, m in self.values.items()}, file)

    @torch.no_grad()
    def _copy_down(self) -> None:
        for name, parameter in self._live.items():
            parameter.copy_(self.values[name])


def train_evidence(data: Path, base: Path, out: Path, options: TrainingOptions) -> dict[str, float]:
    """Train for ``options.minutes`` and write ``out``/adapter.safetensors. Returns the held-out figures.

    Args:
        data: folder with the training sets.
        base: folder of the all-MiniLM-L6-v2 model.
        out: folder for checkpoints and the adapter; a run found there is taken up again.
        options: how to train.
    """
    torch.manual_seed(options.seed)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs, held = build_pairs(data, options.seed, squad_rows=options.squad_rows)
    rows = encode(pairs, tokenizer, max_tokens=options.max_tokens)
    held_rows = encode(held, tokenizer, max_tokens=options.max_tokens)
    log.info("%d training pairs, %d held out", len(rows), len(held_rows))
    network = load_base(base, options.rank)
    weights = MasterWeights(network, options.peak_rate)
    step, spent = _take_up(weights, out / "checkpoint.pt")
    started = saved = time.monotonic()
    network.train()
    for batch in batches(rows, random.Random(options.seed + step), tokens=options.batch_tokens):
        progress = (spent + time.monotonic() - started) / (60 * options.minutes)
        if progress >= 1:
            break
        loss = loss_of(network(*collate(batch)), batch)
        loss.backward()  # type: ignore[no-untyped-call]
        step += 1
        weights.step(options.peak_rate * min(1.0, step / options.warm_up_steps) * (1 - progress))
        if step % 50 == 0:
            log.info("step %d  progress %.3f  loss %.4f", step, progress, loss.item())
        if time.monotonic() - saved > options.checkpoint_seconds:
            saved = time.monotonic()
            _put_down(weights, out / "checkpoint.pt", step=step, spent=spent + saved - started)
            log.info("held out: %s", measure(network, held_rows))
    weights.save(out / "adapter.safetensors")
    figures = measure(network, held_rows)
    log.info("held out: %s", figures)
    return figures


def _take_up(weights: MasterWeights, file: Path) -> tuple[int, float]:
    """Return (steps, seconds) of the checkpoint that is there, or (0, 0.0)."""
    if not file.exists():
        return 0, 0.0
    state = torch.load(file, weights_only=True)
    weights.restore(state["master"], state["optimiser"])
    return state["step"], state["spent"]


def _put_down(weights: MasterWeights, file: Path, *, step: int, spent: float) -> None:
    state = {"step": step, "spent": spent, "optimiser": weights.optimiser.state_dict(), "master": weights.values}
    torch.save(state, file.with_suffix(".tmp"))
    file.with_suffix(".tmp").replace(file)
