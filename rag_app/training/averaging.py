"""Average adapters that were trained from one base into one: a soup of models (Wortsman et al. 2022, arXiv 2203.05482).

Weights at which training ended after different orders of the data lie around a better place than any of them. What is
averaged are the updates, not their factors: the mean of several products of low rank is cut to a rank again, by its
singular values.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from rag_app.errors import DataError
from rag_app.training.evidence_weights import factor, read_adapter

UP, DOWN = "up", "down"


def average_adapters(files: Sequence[Path], out: Path, *, rank: int) -> float:
    """Write the mean of adapters of the evidence model to ``out``/adapter.safetensors.

    Args:
        files: the adapters, whose ranks may differ.
        out: a folder, made if need be.
        rank: of the mean.

    Returns:
        The share of the updates' squared norm that the rank has no room for.

    Raises:
        DataError: a file is damaged or no adapter, or they are not of one architecture.
    """
    adapters = [_updates(read_adapter(file)) for file in files]
    first = adapters[0]
    for file, other in zip(files, adapters, strict=True):
        if {n: v.shape for n, v in other.items()} != {n: v.shape for n, v in first.items()}:
            raise DataError(f"{file} is of another architecture than {files[0]}. Average adapters of one base.")
    mean = {name: torch.stack([adapter[name] for adapter in adapters]).mean(0) for name in first}
    lost = whole = 0.0
    values: dict[str, Tensor] = {}
    for name, value in mean.items():
        if not name.endswith("."):
            values[name] = value
            continue
        values[name + UP], values[name + DOWN], sizes = factor(value, rank)
        whole += float(sizes.square().sum())
        lost += float(sizes[rank:].square().sum())
    out.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in values.items()}, out / "adapter.safetensors")
    return lost / whole if whole else 0.0


def _updates(adapter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return an adapter in float32 with each update multiplied out, under its name up to the last dot."""
    values = {}
    for name, value in adapter.items():
        if name.endswith(f".{DOWN}"):
            stem = name.removesuffix(DOWN)
            values[stem] = adapter[stem + UP].float() @ value.float()
        elif not name.endswith(f".{UP}"):
            values[name] = value.float()
    return values
