"""The network as training holds it: a frozen base with an adapter, or weights that are all trained.

Where all weights of the layers are trained, what training changed is told as an adapter afterwards, so that both ship
in one form: of each matrix, the part of the change that a product of low rank comes closest to (Eckart and Young
1936).
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertModel

from rag_app.errors import DataError
from rag_app.models.evidence_network import ADAPTED, EvidenceNetwork
from rag_app.models.quiet import quietly
from rag_app.training.optimisation import MasterWeights


def load_base(folder: Path, rank: int, *, dropout: float, device: torch.device) -> EvidenceNetwork:
    """Load the encoder with an adapter of ``rank``: in float32 on CUDA, elsewhere in bfloat16.

    CUDA computes in bfloat16 all the same, by autocast. A CPU would convert each weight at each step. Drawing the
    masks of dropout takes more than half of a step on a CPU.
    """
    network = _read_network(folder, dropout=dropout, device=device).to(device=device, dtype=_type_on(device))
    network.add_adapter(rank)
    # The updates are new, and float32 on the CPU; LowRankUpdate casts what it adds.
    return network.to(device)


def load_whole(
    folder: Path, start: Path | None, *, dropout: float, device: torch.device
) -> tuple[EvidenceNetwork, dict[str, Tensor], dict[str, Tensor]]:
    """Load the encoder to train all weights of its layers, with the adapter ``start`` merged in if there is one.

    Returns:
        The network, in the type of ``load_base``; its weights in float32 by name; and those without ``start``.

    Raises:
        DataError: the adapter is damaged, or of another architecture.
    """
    network = _read_network(folder, dropout=dropout, device=device)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    if start:
        try:
            network.merge_adapter(read_adapter(start))
        except (KeyError, RuntimeError) as error:
            raise DataError(f"{start} does not fit at {error}. Name an adapter of this base.") from error
    begun = {name: value.detach().clone() for name, value in network.named_parameters()}
    return network.to(device=device, dtype=_type_on(device)), begun, before


def as_adapter(values: Mapping[str, Tensor], before: Mapping[str, Tensor], *, rank: int) -> dict[str, Tensor]:
    """Return trained weights as an adapter in float16: what was added to each matrix, cut to ``rank``; the rest as is.

    Args:
        values: the trained weights by name.
        before: those of the base.
        rank: of what is kept.
    """
    adapter: dict[str, Tensor] = {}
    for name, value in values.items():
        stem, _, kind = name.rpartition(".")
        if kind == "weight" and stem.startswith("encoder.") and stem.endswith(ADAPTED):
            added = value.detach().float().cpu() - before[name].float().cpu()
            up, down, _ = factor(added, rank)
            adapter |= {f"{stem}.parametrizations.weight.0.{part}": v for part, v in (("up", up), ("down", down))}
        else:
            adapter[name] = value.detach().cpu()
    return {name: value.half().contiguous() for name, value in adapter.items()}


def factor(update: Tensor, rank: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the (out, rank) and (rank, in) whose product comes closest to a matrix, and all its singular values."""
    left, sizes, right = torch.linalg.svd(update, full_matrices=False)
    root = sizes[:rank].sqrt()
    return left[:, :rank] * root, root[:, None] * right[:rank], sizes


def _read_network(folder: Path, *, dropout: float, device: torch.device) -> EvidenceNetwork:
    with quietly():
        encoder = BertModel.from_pretrained(
            folder,
            dtype=torch.float32,
            add_pooling_layer=False,
            attn_implementation="sdpa" if device.type == "cuda" else "eager",
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
    return EvidenceNetwork(encoder)


def _type_on(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "cuda" else torch.bfloat16


def begin_from(file: Path, weights: MasterWeights) -> None:
    """Take up the weights of an adapter, to train it further.

    Raises:
        DataError: the file is damaged, or an adapter of another rank or shape.
    """
    found = read_adapter(file)
    other = next((n for n, v in weights.values.items() if n not in found or found[n].shape != v.shape), None)
    if other:
        raise DataError(f"{file} does not fit at {other}. Train with the rank that it was made with.")
    weights.assign(found)


def rank_of(file: Path) -> int:
    """Return the rank of an adapter.

    Raises:
        DataError: the file is damaged, or no adapter.
    """
    ranks = {value.shape[0] for name, value in read_adapter(file).items() if name.endswith(".down")}
    if len(ranks) != 1:
        raise DataError(f"{file} is no adapter of the evidence model. Name an adapter.safetensors.")
    return int(ranks.pop())


def read_adapter(file: Path) -> dict[str, Tensor]:
    """Return what an adapter's file holds, by name.

    Raises:
        DataError: the file cannot be read, or is none.
    """
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{file} cannot be read as an adapter: {error}. Name an adapter.safetensors.") from error
