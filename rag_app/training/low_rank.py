"""Low-rank adapters on language models, by the library PEFT: adding, saving and merging them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from rag_app.errors import ModelError, RagError
from rag_app.models.adapter import WEIGHTS
from rag_app.models.quiet import quietly
from rag_app.training.language_base import load_base
from rag_app.training.optimisation import MasterWeights

try:
    from peft import LoraConfig, PeftModel, get_peft_model
except ImportError as error:
    raise RagError(
        f"A language model is trained with peft, which is missing ({error}). Install it: pip install 'rag_app[train]'"
    ) from error


def add_adapter(model: Any, *, rank: int, alpha: int) -> Any:
    """Put a fresh adapter on all linear layers but the last, and return the model as PEFT wraps it.

    Raises:
        ModelError: the model has no layers that PEFT knows.
    """
    config = LoraConfig(r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    try:
        with _without_warnings():
            return get_peft_model(model, config, autocast_adapter_dtype=False)
    except (ValueError, AttributeError) as error:
        raise ModelError(f"{type(model).__name__} can get no adapter: {error}. Choose another base.") from error


def save_adapter(model: Any, weights: MasterWeights, out: Path, *, base_name: str) -> None:
    """Write adapter_config.json and adapter_model.safetensors, which PEFT and rag_app read."""
    config = model.peft_config["default"]
    config.base_model_name_or_path = base_name
    config.save_pretrained(out)
    save_file({name.replace(".default.", "."): value for name, value in weights.halves().items()}, out / WEIGHTS)


def load_merged(base: Path, adapter: Path, *, device: torch.device) -> tuple[Any, Any]:
    """Load a model with an adapter of its own merged in, in float32, and its tokenizer.

    Raises:
        ModelError: the base cannot be loaded.
    """
    model, tokenizer = load_base(base, device=torch.device("cpu"))
    with quietly(), _without_warnings():
        merged = PeftModel.from_pretrained(model.float(), str(adapter)).merge_and_unload()
    return merged.to(device), tokenizer


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Silence what PEFT tells of settings that it has corrected, and what it is told of its own use of transformers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
