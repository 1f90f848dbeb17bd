"""What the evidence network is taught and measured by."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from rag_app.models.evidence_network import SUPPORTED, EvidenceNetwork, Logits
from rag_app.training.evidence_data import Stance
from rag_app.training.evidence_rows import IGNORED, Batch, Rows, collate

MEASURE_TOKENS = 16384


def loss_of(logits: Logits, labels: Tensor) -> Tensor:
    """Sum the losses of the tasks over a batch's rows and divide by their number.

    A row that does not teach a task adds nothing to it, so that each task counts as often as it is taught.
    Nothing here waits for the GPU.

    Args:
        logits: what the network says.
        labels: (batch, 5), as ``Rows.labels``.
    """
    relevance, answerable, stance, start, end = labels.unbind(1)
    total = _binary(logits.relevance, relevance) + _binary(logits.answerable, answerable)
    total = total + _of_stance(logits.supported, stance)
    for scores, wanted in ((logits.start, start), (logits.end, end)):
        total = total + F.cross_entropy(scores, wanted, ignore_index=IGNORED, reduction="sum") / 2
    return total / len(labels)


def _binary(scores: Tensor, wanted: Tensor) -> Tensor:
    known = (wanted != IGNORED).to(scores.dtype)
    losses = F.binary_cross_entropy_with_logits(scores, wanted.clamp(min=0).to(scores.dtype), reduction="none")
    return (losses * known).sum()


def _of_stance(scores: Tensor, wanted: Tensor) -> Tensor:
    """Where only "not supported" is known, the loss is that of the other two classes together."""
    known = F.log_softmax(scores, dim=-1)
    others = known[:, 1:].logsumexp(-1)
    three = known.gather(1, wanted.clamp(0, 2)[:, None]).squeeze(1)
    losses = -torch.where(wanted == Stance.NOT_SUPPORTED, others, three)
    return (losses * (wanted != IGNORED).to(losses.dtype)).sum()


@torch.no_grad()
def measure(network: EvidenceNetwork, held: Mapping[str, Rows], *, most: int = 4000) -> dict[str, float]:
    """Return figures on at most ``most`` rows of each held-out set, by the set's name.

    Areas under the ROC curve for relevance and answerability, the share of exact spans among the rows that have
    one, and for claims the balanced accuracy of supported or not and the accuracy over the three classes.
    """
    network.eval()
    figures: dict[str, float] = {}
    for name, rows in held.items():
        found = _scores(network, rows, most)
        figures |= {f"{name}.{what}": round(value, 4) for what, value in _figures(found)}
    network.train()
    return figures


def _scores(network: EvidenceNetwork, rows: Rows, most: int) -> dict[str, NDArray[np.float32]]:
    device = next(network.parameters()).device
    chosen = np.argsort(rows.lengths[:most], kind="stable")
    found: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    size = max(1, MEASURE_TOKENS // int(rows.lengths[:most].max(initial=1)))
    for low in range(0, len(chosen), size):
        batch = collate(rows, chosen[low : low + size]).to(device)
        logits = network(batch.ids, batch.segments, batch.mask)
        exact = (logits.start[:, 1:].argmax(1) + 1 == batch.labels[:, 3]) & (
            logits.end[:, 1:].argmax(1) + 1 == batch.labels[:, 4]
        )
        for name, value in (
            ("relevance", logits.relevance), ("answerable", logits.answerable), ("stance", logits.supported),
            ("exact", exact), ("labels", batch.labels),
        ):  # fmt: skip
            found[name].append(value.float().cpu().numpy())
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _figures(found: Mapping[str, NDArray[np.float32]]) -> Iterator[tuple[str, float]]:
    if not found:
        return
    labels = found["labels"]
    for column, name in enumerate(("relevance", "answerable")):
        known = labels[:, column] != IGNORED
        if len(set(labels[known, column])) == 2:
            yield f"{name}_auroc", auroc(found[name][known], labels[known, column] == 1)
    if (spans := labels[:, 3] > 0).any():
        yield "span_exact", float(found["exact"][spans].mean())
    stance = labels[:, 2]
    known = stance != IGNORED
    if len(set(stance[known] == SUPPORTED)) == 2:
        said = found["stance"].argmax(1)
        sides = [(said == SUPPORTED)[known & (stance == SUPPORTED)], (said != SUPPORTED)[known & (stance != SUPPORTED)]]
        yield "supported_balanced", float(np.mean([side.mean() for side in sides]))
        exact = known & (stance != Stance.NOT_SUPPORTED)
        yield "stance_accuracy", float((said == stance)[exact].mean())


def auroc(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """Return the probability that a positive is scored above a negative; ties count half."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2)[place]
    n, m = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def batch_loss(network: EvidenceNetwork, batch: Batch) -> Tensor:
    """Return the loss of a batch; on CUDA the products are computed in bfloat16."""
    with torch.autocast("cuda", torch.bfloat16, enabled=batch.ids.is_cuda):
        logits = network(batch.ids, batch.segments, batch.mask)
    return loss_of(logits, batch.labels)
