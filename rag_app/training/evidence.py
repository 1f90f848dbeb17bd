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

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerBase

from rag_app.models.evidence_network import CLAIM_PREFIX, EvidenceNetwork, Logits
from rag_app.training.evidence_data import Pair, build_pairs

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


def train_evidence(
    data: Path,
    base: Path,
    out: Path,
    *,
    minutes: float,
    seed: int = 0,
    rank: int = 64,
    peak_rate: float = 1e-3,
    squad_rows: int = 60_000,
    batch_tokens: int = 6144,
    max_tokens: int = 384,
) -> dict[str, float]:
    """Train for ``minutes`` and write ``out``/adapter.safetensors (float16). Returns the held-out figures.

    Args:
        data: folder with the training sets.
        base: folder of the all-MiniLM-L6-v2 model.
        out: folder for checkpoints and the adapter; a run found there is taken up again.
    """
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs, held = build_pairs(data, seed, squad_rows=squad_rows)
    rows = encode(pairs, tokenizer, max_tokens=max_tokens)
    held_rows = encode(held, tokenizer, max_tokens=max_tokens)
    log.info("%d training pairs, %d held out", len(rows), len(held_rows))
    network = load_base(base, rank)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    live = {name: p.requires_grad_(True) for name, p in network.trainable()}
    master = {name: p.detach().float().clone() for name, p in live.items()}
    decayed = [m for n, m in master.items() if m.dim() == 2]
    plain = [m for n, m in master.items() if m.dim() != 2]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=peak_rate, betas=(0.9, 0.98), fused=True)
    spent, step = 0.0, 0
    state_file = out / "checkpoint.pt"
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        spent, step = state["spent"], state["step"]
        optimiser.load_state_dict(state["optimiser"])
        for name, value in master.items():
            value.copy_(state["master"][name])
            live[name].data.copy_(value)
    stream = batches(rows, random.Random(seed + step), tokens=batch_tokens)
    started = time.monotonic() - spent
    running, saved = 0.0, time.monotonic()
    network.train()
    while (progress := (time.monotonic() - started) / (60 * minutes)) < 1:
        batch = next(stream)
        loss = loss_of(network(*collate(batch)), batch)
        loss.backward()
        for name, parameter in live.items():
            if parameter.grad is not None:
                master[name].grad = parameter.grad.float()
                parameter.grad = None
        torch.nn.utils.clip_grad_norm_(list(master.values()), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = peak_rate * min(1.0, (step + 1) / 100) * (1 - progress)
        optimiser.step()
        with torch.no_grad():
            for name, parameter in live.items():
                parameter.copy_(master[name])
        step += 1
        running = loss.item() if step == 1 else 0.98 * running + 0.02 * loss.item()
        if step % 50 == 0:
            log.info("step %d  progress %.3f  loss %.4f", step, progress, running)
        if step % 500 == 0:
            log.info("held out: %s", measure(network, held_rows))
        if time.monotonic() - saved > 300:
            saved = time.monotonic()
            state = {"spent": saved - started, "step": step, "optimiser": optimiser.state_dict(), "master": master}
            torch.save(state, out / "checkpoint.tmp")
            (out / "checkpoint.tmp").replace(state_file)
            save_file({n: m.half() for n, m in master.items()}, out / "adapter.safetensors")
    figures = measure(network, held_rows)
    log.info("held out: %s", figures)
    save_file({n: m.half().contiguous() for n, m in master.items()}, out / "adapter.safetensors")
    return figures


def load_adapter(network: EvidenceNetwork, file: Path) -> None:
    """Copy an adapter file into a network that has an adapter of the same rank."""
    values = load_file(file)
    for name, parameter in network.trainable():
        parameter.data.copy_(values[name])
