"""The network as training holds it: a frozen base, and float32 copies of what is trained."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertModel

from rag_app.errors import DataError
from rag_app.models.evidence_network import EvidenceNetwork, with_new_heads
from rag_app.models.quiet import quietly


def load_base(folder: Path, rank: int, *, dropout: float, device: torch.device) -> EvidenceNetwork:
    """Load the encoder with an adapter of ``rank``: in float32 on CUDA, elsewhere in bfloat16.

    CUDA computes in bfloat16 all the same, by autocast. A CPU would convert each weight at each step. Drawing the
    masks of dropout takes more than half of a step on a CPU.
    """
    on_cuda = device.type == "cuda"
    dtype = torch.float32 if on_cuda else torch.bfloat16
    with quietly():
        encoder = BertModel.from_pretrained(
            folder,
            dtype=dtype,
            add_pooling_layer=False,
            attn_implementation="sdpa" if on_cuda else "eager",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
    network = EvidenceNetwork(encoder).to(device=device, dtype=dtype)
    network.add_adapter(rank)
    # The updates are new, and float32 on the CPU; LowRankUpdate casts what it adds.
    return network.to(device)


class MasterWeights:
    """The trained weights in float32, which the optimiser moves; the network may hold them rounded."""

    def __init__(self, network: EvidenceNetwork, peak_rate: float) -> None:
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        self._live = {name: p.requires_grad_(True) for name, p in network.trainable()}
        # Those that are float32 already are not copied but share their memory.
        self.values = {name: p.detach().float() for name, p in self._live.items()}
        matrices = [m for m in self.values.values() if m.dim() == 2]
        vectors = [m for m in self.values.values() if m.dim() != 2]
        groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=peak_rate, betas=(0.9, 0.98), fused=True)

    def step(self, rate: float) -> None:
        """Move the weights by the gradients that lie on the network, and clear these."""
        for name, parameter in self._live.items():
            self.values[name].grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(list(self.values.values()), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self._copy_down()

    def begin_from(self, file: Path) -> None:
        """Take up the weights of an adapter, to train it further.

        Raises:
            DataError: the file is damaged, or an adapter of another rank or shape.
        """
        try:
            found = with_new_heads(load_file(file))
        except (OSError, SafetensorError) as error:
            raise DataError(f"{file} cannot be read as an adapter: {error}. Name an adapter.safetensors.") from error
        other = next((n for n, v in self.values.items() if n not in found or found[n].shape != v.shape), None)
        if other:
            raise DataError(f"{file} does not fit at {other}. Train with the rank that it was made with.")
        for name, value in self.values.items():
            value.copy_(found[name])
        self._copy_down()

    def state(self) -> dict[str, Any]:
        """Return all that a run must have to go on."""
        return {"optimiser": self.optimiser.state_dict(), "master": self.values}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` returned."""
        self.optimiser.load_state_dict(state["optimiser"])
        for name, value in self.values.items():
            value.copy_(state["master"][name])
        self._copy_down()

    def save(self, file: Path) -> None:
        """Write the adapter in float16."""
        values: dict[str, Tensor] = {name: m.half().cpu().contiguous() for name, m in self.values.items()}
        save_file(values, file)

    @torch.no_grad()
    def _copy_down(self) -> None:
        for name, parameter in self._live.items():
            if parameter.dtype != torch.float32:
                parameter.copy_(self.values[name])
