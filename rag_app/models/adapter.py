"""Low-rank adapters (LoRA, Hu et al. 2021, arXiv 2106.09685) in PEFT's format, added to the weights they were made for.

Adding them once, as a model is prepared, needs no library while it runs and costs no time.
"""

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag_app.errors import ModelDamaged
from rag_app.models.checksums import check_sha256
from rag_app.models.prepare import Merge

if TYPE_CHECKING:
    import torch

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
PREFIX = "base_model.model."
OTHER_RECIPES = ("use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "fan_in_fan_out")
"""Settings of PEFT that change how an update is added, each unset or empty in a plain adapter."""
DOWN, UP = ".lora_A.weight", ".lora_B.weight"


def low_rank_merge(folder: Path, sha256: str, *, remedy: str) -> Merge:
    """Return the change that the adapter in ``folder`` makes; nothing is read before it is applied.

    Args:
        folder: holds adapter_model.safetensors and adapter_config.json.
        sha256: of adapter_model.safetensors, checked when it is read.
        remedy: what to do if the adapter is missing or damaged.
    """

    def apply(weights: "MutableMapping[str, torch.Tensor]") -> None:
        check_sha256(folder / WEIGHTS, sha256, remedy=remedy)
        add_adapter(weights, folder, remedy=remedy)

    return Merge(sha256, apply)


def add_adapter(weights: "MutableMapping[str, torch.Tensor]", folder: Path, *, remedy: str) -> None:
    """Add ``alpha / rank * up @ down`` to each float32 matrix in ``weights`` that the adapter changes, in place.

    Raises:
        ModelDamaged: the adapter cannot be read, or is not one for these weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        _check_plain(config, folder, remedy)
        scale = float(config["lora_alpha"]) / float(config["r"])
        values = load_file(folder / WEIGHTS)
        for name in [n for n in values if n.endswith(DOWN)]:
            down, up = values.pop(name), values.pop(name.removesuffix(DOWN) + UP)
            own = weights[name.removeprefix(PREFIX).removesuffix(DOWN) + ".weight"]
            own += scale * (up.float() @ down.float())
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError, RuntimeError, SafetensorError) as error:
        raise ModelDamaged(f"The adapter in {folder} is damaged or fits other weights ({error}). {remedy}") from error
    if values:
        raise ModelDamaged(f"The adapter in {folder} changes {next(iter(values))}, which is not known. {remedy}")


def _check_plain(config: dict[str, Any], folder: Path, remedy: str) -> None:
    if other := next((name for name in OTHER_RECIPES if config.get(name)), None):
        raise ModelDamaged(f"The adapter in {folder} sets {other}, which is not known. {remedy}")
