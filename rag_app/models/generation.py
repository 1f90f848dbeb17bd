"""Write text with a causal language model, greedily, piece by piece.

The loop over the model is our own: no thread that could hang or swallow an error, a stop that is honoured at the
next step, and drafts looked up in the prompt. An answer that quotes its passages repeats runs of the prompt, so what
followed the same words before is proposed and checked in one step (prompt lookup decoding, Saxena 2023). A
proposed token stays only if it is the one that the model would have written.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache

from rag_app.errors import ModelDamaged, ModelError
from rag_app.models.catalogue import ModelSource
from rag_app.models.decoding import Decoding
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.quiet import quietly
from rag_app.models.streaming import Progress, PromptLookup, TextStream, Writing
from rag_app.models.templates import NEXT_TURN, encode_chat, has_template
from rag_app.records import Message

CONTEXT_WHEN_UNTOLD = 2048


class Generator:
    """A chat model. ``context_tokens`` bounds the prompt and the answer together.

    Several threads may stream at once: their steps take turns at the model, each with a cache of its own.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str) -> None:
        self.name = name
        self.context_tokens = _context_tokens(model, tokenizer)
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._ends = _end_tokens(model, tokenizer)
        self._forward = _forward_arguments(model, name)
        # A model's step and a tokenizer are each used by one thread at a time.
        self._stepping, self._tokenizing = Lock(), Lock()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of the prompt that these messages become."""
        return len(self._encode(messages))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_new_tokens: int,
        stop: Callable[[], bool] | None = None,
        decoding: Decoding = Decoding(),
    ) -> Writing:
        """Return the pieces of the answer as they are written, always of the likeliest tokens.

        ``stop`` is asked before every step. The answer ends early where the context is full.

        Raises:
            ModelError: the prompt does not fit (at once), or the device cannot go on (while iterating).
        """
        prompt = self._encode(messages)
        if len(prompt) >= self.context_tokens:
            raise ModelError(
                f"The prompt has {len(prompt)} tokens, but {self.name} reads {self.context_tokens} at most, its answer "
                "included. Ask a shorter question, use fewer passages, or choose a model with a longer context."
            )
        progress = Progress(len(prompt))
        pieces = self._write(prompt, min(max_new_tokens, self.context_tokens - len(prompt)), stop)
        return Writing(pieces, progress)

    def _write(self, prompt: list[int], most: int, stop: Callable[[], bool] | None) -> Iterator[str]:
        text = TextStream(self._decode, until=None if has_template(self._tokenizer) else NEXT_TURN)
        for tokens in self._settle(prompt, most, stop):
            if piece := text.add(tokens):
                yield piece
            if text.ended:
                return
        if rest := text.rest():
            yield rest

    def _settle(self, prompt: list[int], most: int, stop: Callable[[], bool] | None) -> Iterator[list[int]]:
        """Yield the one or more tokens that each step settles, up to the token that ends the answer."""
        cache = DynamicCache(config=self._model.config)
        lookup = PromptLookup(prompt)
        given, draft, written = prompt, list[int](), 0
        while written < most and not (stop and stop()):
            likeliest = self._step(given + draft, cache, len(draft) + 1)
            fitting = _common_length(draft, likeliest)
            settled = likeliest[: fitting + 1]
            end = next((place for place, token in enumerate(settled) if token in self._ends), None)
            if settled[:end]:
                yield settled[:end]
            if end is not None:
                return
            written += len(settled)
            lookup.add(settled)
            # A cache that is a running state (Mamba and its kin) cannot take a step back, so nothing is proposed to it.
            if cache.is_croppable:
                if given is prompt:
                    cache.activate_past_recording()  # type: ignore[no-untyped-call]
                else:
                    cache.crop(fitting - len(draft))
                draft = lookup.propose()[: most - written - 1]
            given = settled[-1:]

    @torch.inference_mode()
    def _step(self, tokens: list[int], cache: DynamicCache, count: int) -> list[int]:
        """Return the likeliest token after each of the last ``count`` tokens."""
        try:
            with self._stepping:
                inputs = torch.tensor([tokens], device=self._model.device)
                logits = self._model(input_ids=inputs, use_cache=True, **self._forward(cache, count)).logits
                likeliest: list[int] = logits[0, -count:].argmax(dim=-1).tolist()
        except RuntimeError as error:
            raise ModelError(
                f"{self.name} could not go on after {len(tokens)} tokens on {self._model.device}: {error}. "
                "Free memory, use fewer passages, or set device to cpu."
            ) from error
        return likeliest

    def _encode(self, messages: Sequence[Message]) -> list[int]:
        with self._tokenizing:
            return encode_chat(self._tokenizer, messages)

    def _decode(self, tokens: list[int]) -> str:
        with self._tokenizing:
            text: str = self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text


def load_generator(source: ModelSource, *, device: str = "auto") -> Generator:
    """Load a causal language model from a resolved source; never asks the network, never runs its code.

    Raises:
        ModelDamaged: some of the model's weights are not in its files.
        ModelError: the folder is no such model, or the device is not there.
    """
    place = choose_device(device)
    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(source.folder, local_files_only=True, trust_remote_code=False)
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                source.folder,
                dtype=choose_dtype(place),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
            )
            model, report = loaded
            model.to(place)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(
            f"{source.name} in {source.folder} cannot be loaded as a generator: {error}. "
            "Check that it is a whole causal language model, or choose another."
        ) from error
    # transformers fills what is missing with random numbers and goes on.
    if missing := sorted(report["missing_keys"]):
        raise ModelDamaged(
            f"{source.name} in {source.folder} lacks {len(missing)} of its weights, {missing[0]} for one. "
            "It is damaged or no causal language model: download it again, or choose another."
        )
    return Generator(model, tokenizer, name=source.identity)


def _common_length(draft: Sequence[int], likeliest: Sequence[int]) -> int:
    pairs = enumerate(zip(draft, likeliest, strict=False))
    return next((place for place, (proposed, chosen) in pairs if proposed != chosen), len(draft))


def _forward_arguments(model: Any, name: str) -> Callable[[DynamicCache, int], dict[str, Any]]:
    """Return what else the model's forward takes, for a cache and the count of last tokens whose logits are needed."""
    known = inspect.signature(model.forward).parameters
    cache_name = next((option for option in ("past_key_values", "cache_params") if option in known), None)
    if cache_name is None:
        raise ModelError(f"{name} keeps no cache between tokens, which is not supported. Choose another generator.")
    if "logits_to_keep" in known:
        return lambda cache, count: {cache_name: cache, "logits_to_keep": count}
    return lambda cache, _: {cache_name: cache}


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(token for token in [*listed, tokenizer.eos_token_id] if token is not None)


def _context_tokens(model: Any, tokenizer: Any) -> int:
    config = model.config.get_text_config()
    told = [getattr(config, name, None) for name in ("max_position_embeddings", "n_positions", "max_seq_len")]
    limits = [*(limit for limit in told if limit), tokenizer.model_max_length]
    # Tokenizers that know no limit say 10**30.
    limit = min(limits)
    return int(limit) if limit < 10**9 else CONTEXT_WHEN_UNTOLD
