"""Load a language model to train it, or to let it write training data."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rag_app.errors import ModelError
from rag_app.models.devices import choose_dtype
from rag_app.models.quiet import quietly


def load_base(base: Path, *, device: torch.device) -> tuple[Any, Any]:
    """Load a causal model and its tokenizer: in bfloat16 where the device computes in it, else in float32.

    Raises:
        ModelError: the folder holds no such model.
    """
    dtype = choose_dtype(device)
    try:
        with quietly():
            model = AutoModelForCausalLM.from_pretrained(
                # float16 would overflow in models that were trained in bfloat16.
                base, dtype=torch.float32 if dtype == torch.float16 else dtype, local_files_only=True,
            )  # fmt: skip
            tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{base} cannot be loaded to be trained: {error}. Name a causal language model.") from error
    if tokenizer.eos_token_id is None:
        raise ModelError(f"The tokenizer in {base} knows no token that ends an answer. Choose another base.")
    placed: Any = model.to(device)  # type: ignore[arg-type]
    return placed, tokenizer
