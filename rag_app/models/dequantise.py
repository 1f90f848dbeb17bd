"""Turn a GGUF file into a model folder with bfloat16 weights."""

import io
import struct
from collections.abc import Callable, MutableMapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from rag_app.errors import ModelError
from rag_app.models.quiet import quietly


def dequantise(
    packed: Path, folder: Path, *, adjust: Callable[[MutableMapping[str, torch.Tensor]], None] | None = None
) -> None:
    """Write the model and tokenizer in ``packed`` to ``folder``; ``adjust`` may alter the float32 weights before.

    Raises:
        ModelError: ``packed`` is no GGUF file of a language model that transformers knows.
        OSError: the folder cannot be written.
    """
    # The bar over the tensors ignores transformers' own switch; it writes to sys.stderr alone.
    with quietly(), redirect_stderr(io.StringIO()):
        tokenizer, model = _read(packed)
        weights = model.state_dict()
        if adjust:
            adjust(weights)
        # A model that was loaded from GGUF refuses to be saved; a fresh one of the same shape does not.
        config = model.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        fresh: Any = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)  # type: ignore[no-untyped-call]
        fresh.load_state_dict(weights)
        fresh.generation_config = model.generation_config
        fresh.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _read(packed: Path) -> tuple[Any, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(packed.parent, gguf_file=packed.name, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(
            packed.parent,
            gguf_file=packed.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            local_files_only=True,
        )
    except (ValueError, LookupError, TypeError, RuntimeError, ImportError, struct.error) as error:
        raise ModelError(
            f"{packed} cannot be read as a GGUF language model: {error}. "
            "Name a model that is published as safetensors instead."
        ) from error
    return tokenizer, model
