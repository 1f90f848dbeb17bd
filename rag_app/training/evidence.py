"""Train the evidence model's adapter on question-answering and claim-checking pairs, on a CPU or with CUDA.

The base stays frozen, or all weights of its layers are trained and what changed is cut to an adapter at the end. What
is trained is kept in float32 by the optimiser. The order of the rows, dropout and the learning rate (warm-up, then
linear to zero) follow the number of the step alone, so that a run that was stopped and taken up again ends where it
would have ended anyway.
"""

import logging
import random
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from rag_app.errors import DataError
from rag_app.training.evidence_corpus import Source, pack_mixture
from rag_app.training.evidence_loss import batch_loss, measure
from rag_app.training.evidence_rows import Rows, plan_epoch, stream_batches
from rag_app.training.evidence_weights import as_adapter, begin_from, load_base, load_whole
from rag_app.training.optimisation import MasterWeights, put_down, take_up, training_device

log = logging.getLogger(__name__)
LOG_STEPS = 100
WARM_UP = 0.03
"""Of the steps."""
ALL_WEIGHTS_RATE = 1e-4
"""The peak rate where nothing of the layers is frozen."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    ``steps`` goes before ``epochs``. ``batch_tokens`` counts padding. ``rows_per_set`` takes a part of each
    training set; ``processes`` make and tokenise the pairs. ``minutes`` ends a run early, to be taken up again;
    the learning rate knows nothing of it. ``device`` is "cuda", "cpu" or "auto". ``start`` is an adapter that is
    trained further; None begins anew. With ``all_weights`` nothing of the layers is frozen; else ``start`` is of the
    same rank. A tenth of the rate for an adapter suits all weights.
    """

    epochs: float = 1.0
    steps: int | None = None
    seed: int = 0
    rank: int = 128
    peak_rate: float = 1e-3
    batch_tokens: int = 32768
    max_tokens: int = 512
    dropout: float = 0.1
    device: str = "auto"
    minutes: float | None = None
    rows_per_set: int | None = None
    checkpoint_seconds: float = 120
    measure_steps: int = 1000
    processes: int = 1
    start: Path | None = None
    all_weights: bool = False


def train_evidence(data: Path, base: Path, out: Path, options: TrainingOptions) -> dict[str, float]:
    """Train and write ``out``/adapter.safetensors. Returns the held-out figures, ``step`` and ``steps``.

    Args:
        data: folder with the training sets.
        base: folder of the all-MiniLM-L6-v2 model.
        out: folder for checkpoints and the adapter; a run found there is taken up again.
        options: how to train.

    Raises:
        DataError: a training set cannot be read, or the checkpoint is of a run with other options.
    """
    out.mkdir(parents=True, exist_ok=True)
    source = Source(data, base, options.seed, options.max_tokens, options.rows_per_set)
    rows, held = pack_mixture(source, processes=options.processes)
    log.info("%d rows, %d tokens", len(rows), len(rows.ids))
    if not len(rows):
        raise DataError(f"{data} holds no training pairs. Put training sets such as squad_v1_train.jsonl.gz there.")
    return _Run(rows, held, base=base, out=out, options=options).finish()


class _Run:
    """A run of training, from its first step or from a checkpoint."""

    def __init__(
        self, rows: Rows, held: Mapping[str, Rows], *, base: Path, out: Path, options: TrainingOptions
    ) -> None:
        self._rows, self._held, self._out, self._options = rows, held, out, options
        self._device = training_device(options.device)
        torch.manual_seed(options.seed)
        torch.set_float32_matmul_precision("high")
        self._before: Mapping[str, Tensor] | None = None
        if options.all_weights:
            self._network, begun, self._before = load_whole(
                base, options.start, dropout=options.dropout, device=self._device
            )
            self._network.requires_grad_(False)
            self._weights = MasterWeights(self._network.trainable(whole=True), weight_decay=0.0)
            self._weights.assign(begun)
        else:
            self._network = load_base(base, options.rank, dropout=options.dropout, device=self._device)
            self._network.requires_grad_(False)
            self._weights = MasterWeights(self._network.trainable())
            if options.start:
                begin_from(options.start, self._weights)
        self._begun = {"base": _checksum(base / "model.safetensors"), "start": _checksum(options.start)}
        one_epoch = len(self._plan(0))
        self._steps = options.steps or max(1, round(options.epochs * one_epoch))
        self._step = take_up(self._checkpoint, self._weights, run=self._identity())
        log.info("%d batches an epoch, %d steps, from step %d on", one_epoch, self._steps, self._step)

    def finish(self) -> dict[str, float]:
        """Train to the end, or until the time is over."""
        started = saved = logged = time.monotonic()
        tokens, loss_sum = 0, torch.zeros((), device=self._device)
        self._network.train()
        stream = stream_batches(self._rows, self._chosen(self._step), pin=self._device.type == "cuda")
        for batch in stream:
            # Dropout must not depend on how often the run was interrupted.
            torch.manual_seed(self._options.seed * 1_000_003 + self._step)
            loss = batch_loss(self._network, batch.to(self._device))
            loss.backward()  # type: ignore[no-untyped-call]
            self._step += 1
            self._weights.step(self._rate())
            tokens += batch.ids.numel()
            loss_sum += loss.detach()
            now = time.monotonic()
            if self._step % LOG_STEPS == 0:
                mean, speed = loss_sum.item() / LOG_STEPS, tokens / (now - logged)
                log.info("step %d of %d  loss %.4f  %.0f tokens/s", self._step, self._steps, mean, speed)
                tokens, logged = 0, now
                loss_sum.zero_()
            if self._step % self._options.measure_steps == 0 and self._step < self._steps:
                log.info("held out: %s", measure(self._network, self._held))
            if now - saved > self._options.checkpoint_seconds:
                saved = now
                self._put_down()
            if self._options.minutes is not None and now - started > 60 * self._options.minutes:
                break
        stream.close()
        return self._close()

    def _close(self) -> dict[str, float]:
        self._put_down()
        save_file(self._adapter(), self._out / "adapter.safetensors")
        if self._step < self._steps:
            log.warning("Stopped after step %d of %d. Run again to go on.", self._step, self._steps)
        figures = measure(self._network, self._held)
        log.info("held out: %s", figures)
        return {"step": self._step, "steps": self._steps, **figures}

    def _adapter(self) -> dict[str, Tensor]:
        if self._before is None:
            return self._weights.halves()
        return as_adapter(self._weights.values, self._before, rank=self._options.rank)

    def _rate(self) -> float:
        """The learning rate of the step just counted: it warms up, then falls to zero linearly."""
        warm_up = max(1, round(WARM_UP * self._steps))
        left = (self._steps - self._step + 1) / max(1, self._steps - warm_up)
        return self._options.peak_rate * min(self._step / warm_up, left, 1.0)

    def _plan(self, epoch: int) -> list[NDArray[np.int64]]:
        return plan_epoch(self._rows, random.Random(f"{self._options.seed} {epoch}").getrandbits(32),
                          tokens=self._options.batch_tokens)  # fmt: skip

    def _chosen(self, begin: int) -> Iterator[NDArray[np.int64]]:
        """Yield the rows of each batch after the first ``begin``."""
        passed, epoch = 0, 0
        while passed < self._steps:
            plan = self._plan(epoch)
            yield from plan[max(0, begin - passed) : self._steps - passed]
            passed, epoch = passed + len(plan), epoch + 1

    @property
    def _checkpoint(self) -> Path:
        return self._out / "checkpoint.pt"

    def _put_down(self) -> None:
        put_down(self._checkpoint, self._weights, step=self._step, run=self._identity())

    def _identity(self) -> dict[str, Any]:
        free = ("device", "minutes", "checkpoint_seconds", "measure_steps", "processes", "start")
        fixed = {name: value for name, value in asdict(self._options).items() if name not in free}
        return fixed | {"steps": self._steps, "rows": self._rows.digest, **self._begun}


def _checksum(file: Path | None) -> int | None:
    """Return a checksum of a file, which tells a run from one that began from other weights."""
    return zlib.crc32(file.read_bytes()) if file and file.exists() else None
