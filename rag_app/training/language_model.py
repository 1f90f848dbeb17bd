"""Teach a causal language model tasks by examples, through a low-rank adapter (LoRA, Hu et al. 2021, arXiv 2106.09685).

The base stays frozen; the adapter is kept in float32 by the optimiser. Only the completion is learned. Sequences are
padded on the right and read without a mask, for a causal model never looks ahead; on a CPU, where padding costs most,
they go one at a time. The order of the examples depends on the seed alone and the learning rate on the step alone, so
that a run that was killed and taken up again ends where an undisturbed one does.
"""

import logging
import time
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rag_app.errors import DataError
from rag_app.training.language_base import load_base
from rag_app.training.language_tokens import Example, Tokens, cut_step, encode_examples, plan_steps
from rag_app.training.low_rank import add_adapter, save_adapter
from rag_app.training.optimisation import MasterWeights, learning_rate, put_down, take_up, training_device

log = logging.getLogger(__name__)
LOG_STEPS = 50
MEASURED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class LanguageTraining:
    """How to train: ``epochs`` over the examples, in steps of ``batch_tokens``, of which ``pass_tokens`` at once.

    ``alpha`` is LoRA's scale times ``rank``. Examples of more than ``max_tokens`` are left out. ``minutes`` ends a run
    early, to be taken up again; the learning rate knows nothing of it. ``device`` is "cuda", "cpu" or "auto".
    """

    epochs: float = 0.5
    seed: int = 0
    rank: int = 32
    alpha: int = 32
    peak_rate: float = 1e-3
    batch_tokens: int = 32768
    pass_tokens: int = 32768
    max_tokens: int = 1024
    device: str = "auto"
    minutes: float | None = None
    checkpoint_seconds: float = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to: ``steps`` done ``of`` all, and the mean loss of the ``held`` rows, if there are any.

    ``examples`` and ``tokens`` are those of one epoch that were short enough; ``seconds`` are of this run alone.
    """

    steps: int
    of: int
    held_out_loss: float | None
    held: int
    examples: int
    tokens: int
    seconds: float
    device: str


def train_language_model(
    examples: Sequence[Example], held: Sequence[Example], base: Path, *, out: Path, options: LanguageTraining
) -> Outcome:
    """Train an adapter and write it to ``out`` in PEFT's format, in float16.

    Args:
        examples: what to learn.
        held: rows kept out, whose loss is measured at the end.
        base: folder of the model.
        out: folder for the adapter and checkpoints; a run found there is taken up again.
        options: how to train.

    Raises:
        DataError: no example is short enough, or the checkpoint is of another run.
        ModelError: the base cannot be trained.
    """
    started = time.monotonic()
    device = training_device(options.device)
    model, tokenizer = load_base(base, device=device)
    most = min(options.max_tokens, getattr(model.config, "max_position_embeddings", None) or options.max_tokens)
    rows = encode_examples(examples, tokenizer, max_tokens=most)
    held_rows = encode_examples(held, tokenizer, max_tokens=most)
    if not rows:
        raise DataError(f"Each of the {len(examples)} examples has more than {most} tokens. Use a longer context.")
    log.info("%d examples, %d tokens; %d held out", len(rows), sum(len(r.ids) for r in rows), len(held_rows))
    out.mkdir(parents=True, exist_ok=True)
    # The adapter's first weights are drawn as it is added.
    torch.manual_seed(options.seed)
    model = add_adapter(model, rank=options.rank, alpha=options.alpha)
    weights = MasterWeights(((n, p) for n, p in model.named_parameters() if p.requires_grad), weight_decay=0.0)
    run = _Run(model.get_base_model(), weights, rows, base=base, out=out, options=options)
    run.finish()
    save_adapter(model, weights, out, base_name=base.name)
    return Outcome(
        steps=run.step,
        of=len(run.plan),
        held_out_loss=measure(model, held_rows, device),
        held=len(held_rows),
        examples=len(rows),
        tokens=sum(len(r.ids) for r in rows),
        seconds=time.monotonic() - started,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    )


def loss_of(model: Any, rows: Sequence[Tokens], device: torch.device) -> Tensor:
    """Return the sum over rows of the completion's cross-entropy, each token weighing 1 / sqrt(its count).

    A plain mean over tokens would drown "not in the sources", whose one decisive token is the first. The head is
    applied to the completion alone; scales and caps that a few models put on their logits are left out.
    """
    longest = max(len(r.ids) for r in rows)
    ids = torch.zeros((len(rows), longest), dtype=torch.long)
    weights = torch.zeros((len(rows), longest))
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = torch.tensor(row.ids)
        count = len(row.ids) - row.prompt
        weights[i, row.prompt - 1 : len(row.ids) - 1] = count**-0.5
    ids, weights = ids.to(device, non_blocking=True), weights.to(device, non_blocking=True)
    states = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state
    known = weights[:, :-1] > 0
    logits = model.get_output_embeddings()(states[:, :-1][known]).float()
    losses = F.cross_entropy(logits, ids[:, 1:][known], reduction="none")
    return (losses * weights[:, :-1][known]).sum()


@torch.no_grad()
def measure(model: Any, rows: Sequence[Tokens], device: torch.device) -> float | None:
    """Return the mean loss of held-out rows; None of none."""
    if not rows:
        return None
    base = model.get_base_model()
    base.eval()
    ordered = sorted(rows, key=lambda r: len(r.ids))
    parts = (ordered[low : low + MEASURED_AT_ONCE] for low in range(0, len(ordered), MEASURED_AT_ONCE))
    return sum(float(loss_of(base, part, device)) for part in parts) / len(rows)


class _Run:
    """The steps of a run, from the first or from a checkpoint on."""

    def __init__(
        self,
        model: Any,
        weights: MasterWeights,
        rows: Sequence[Tokens],
        *,
        base: Path,
        out: Path,
        options: LanguageTraining,
    ) -> None:
        self._model, self._weights, self._options = model, weights, options
        self._device = next(model.parameters()).device
        self.plan = plan_steps(rows, options.seed, tokens=options.batch_tokens, epochs=options.epochs)
        self._checkpoint = out / "checkpoint.pt"
        free = ("device", "minutes", "checkpoint_seconds", "pass_tokens")
        fixed = {name: value for name, value in asdict(options).items() if name not in free}
        digest = 0
        for row in rows:
            digest = zlib.crc32(array("q", row.ids), digest)
        self._identity = fixed | {"base": base.name, "rows": len(rows), "digest": digest}
        self.step = take_up(self._checkpoint, weights, run=self._identity)

    def finish(self) -> None:
        """Take the steps that are left, or as many as there is time for."""
        options, first, seen = self._options, self.step, 0
        started = saved = time.monotonic()
        self._model.train()
        while self.step < len(self.plan):
            loss = self._step_once()
            seen, now = seen + sum(len(r.ids) for r in self.plan[self.step - 1]), time.monotonic()
            if self.step % LOG_STEPS == 0 or self.step == first + 5:
                speed = seen / (now - started)
                log.info("step %d of %d  loss %.4f  %.0f tokens/s", self.step, len(self.plan), loss, speed)
            if now - saved > options.checkpoint_seconds:
                self._put_down()
                saved = now
            if options.minutes is not None and now - started > 60 * options.minutes:
                break
        self._put_down()
        if self.step < len(self.plan):
            log.warning("Stopped after step %d of %d. Run again to go on.", self.step, len(self.plan))

    def _step_once(self) -> float:
        """Learn the rows of one step, and return their mean loss."""
        rows, options = self.plan[self.step], self._options
        total = torch.zeros((), device=self._device)
        for part in cut_step(rows, options.pass_tokens if self._device.type != "cpu" else 0):
            loss = loss_of(self._model, part, self._device) / len(rows)
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        steps = len(self.plan)
        warm_up = max(steps // 30, 1)
        self._weights.step(learning_rate(self.step, steps=steps, peak=options.peak_rate, warm_up=warm_up))
        self.step += 1
        return float(total)

    def _put_down(self) -> None:
        put_down(self._checkpoint, self._weights, step=self.step, run=self._identity)
