"""The network as training holds it: a frozen base, and an adapter that is new or trained further."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertModel

from rag_app.errors import DataError
from rag_app.models.evidence_network import EvidenceNetwork
from rag_app.models.quiet import quietly
from rag_app.training.optimisation import MasterWeights


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
