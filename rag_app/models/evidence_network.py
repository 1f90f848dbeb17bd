"""The network that weighs evidence: a MiniLM cross-encoder with a low-rank adapter and small heads.

One forward pass over ``[CLS] question [SEP] passage [SEP]`` gives the logit that the passage is about what the
question asks, the logit that it answers it, start and end logits of the answer span, and how the passage stands
to the first segment read as a claim: it supports it, refutes it, or neither. Only the adapter, the biases, the
layer norms and the heads are trained; the frozen base is the installed all-MiniLM-L6-v2. The adapter is LoRA
(Hu et al. 2021, arXiv 2106.09685), applied to the weights rather than to the activations, so that it costs
nothing once merged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import BertModel

CLAIM_PREFIX = "claim: "
"""Stands before the first segment when it is a claim to check rather than a question."""

SUPPORTED, REFUTED, NEITHER = 0, 1, 2
"""The columns of the support head."""
ADAPTED = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


class LowRankUpdate(nn.Module):
    """A weight of shape (out, in) plus ``up @ down`` of rank ``rank``, kept in float32."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.down = nn.Parameter(torch.empty(rank, columns, device=weight.device))
        self.up = nn.Parameter(torch.zeros(rows, rank, device=weight.device))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).to(weight.dtype)


@dataclass(frozen=True, slots=True)
class Logits:
    """What one pass says of a batch of pairs, in float32.

    ``relevance`` and ``answerable`` are (batch,), ``supported`` is (batch, 3), ``start`` and ``end`` are
    (batch, length). Span logits outside the passage are -inf, except at 0 (no span).
    """

    relevance: Tensor
    answerable: Tensor
    supported: Tensor
    start: Tensor
    end: Tensor


class EvidenceNetwork(nn.Module):
    """A BERT encoder with heads for relevance, answerability, support and answer spans."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        width = int(encoder.config.hidden_size)
        self.pool = nn.Linear(2 * width, width)
        self.relevance = nn.Linear(width, 1)
        self.answerable = nn.Linear(width, 1)
        self.supported = nn.Linear(width, 3)
        self.span = nn.Linear(width, 2)

    def add_adapter(self, rank: int) -> None:
        """Put a trainable low-rank update on every linear layer of the encoder."""
        for name, module in self.encoder.named_modules():
            if isinstance(module, nn.Linear) and name.endswith(ADAPTED):
                parametrize.register_parametrization(module, "weight", LowRankUpdate(module.weight, rank))

    def merge_adapter(self, values: Mapping[str, Tensor]) -> None:
        """Add the updates of an adapter file to the weights, and copy its heads, biases and norms.

        Raises:
            KeyError, RuntimeError: the file is of another architecture.
        """
        left = dict(values)
        own = dict(self.named_parameters())
        for name in [n for n in left if n.endswith(".down")]:
            down, up = left.pop(name), left.pop(name.removesuffix("down") + "up")
            weight = own[name.replace(".parametrizations.weight.0.down", ".weight")]
            weight.data += up.float() @ down.float()
        for name, value in left.items():
            # Copying alone would spread one row over several.
            if value.shape != own[name].shape:
                raise KeyError(name)
            own[name].data.copy_(value)
        # A head that the file lacks would go on with the random numbers that it began with.
        if lacking := [name for name in own if not name.startswith("encoder.") and name not in left]:
            raise KeyError(lacking[0])

    def trainable(self, *, whole: bool = False) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the parameters that an adapter file holds: updates, biases, layer norms and heads.

        With ``whole``, all of the layers and heads; the embeddings never change.
        """
        for name, parameter in self.named_parameters():
            in_layers = name.startswith("encoder.encoder.layer.")
            small = ".parametrizations.weight.0." in name or name.endswith("bias") or "LayerNorm" in name
            if not name.startswith("encoder.") or (in_layers and (small or whole)):
                yield name, parameter

    def forward(self, ids: Tensor, segments: Tensor, mask: Tensor) -> Logits:
        """Score a batch.

        Args:
            ids: token ids, (batch, length).
            segments: 0 for the question and 1 for the passage, (batch, length).
            mask: 1 for tokens and 0 for padding, (batch, length).
        """
        states = self.encoder(input_ids=ids, token_type_ids=segments, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1)
        pooled = torch.tanh(self.pool(torch.cat([states[:, 0], mean], dim=-1)))
        start, end = self.span(states).float().unbind(-1)
        allowed = (segments * mask).bool()
        allowed[:, 0] = True
        return Logits(
            relevance=self.relevance(pooled).float().squeeze(-1),
            answerable=self.answerable(pooled).float().squeeze(-1),
            supported=self.supported(pooled).float(),
            start=start.masked_fill(~allowed, float("-inf")),
            end=end.masked_fill(~allowed, float("-inf")),
        )
