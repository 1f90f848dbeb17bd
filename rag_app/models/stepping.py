"""Step a causal language model through a text, remembering what it has read."""

import inspect
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

from rag_app.errors import ModelError

SPARE_TOKENS = 256


class RoomyLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer of a cache that has room for tokens to come, so that a step copies only its own, not all before them."""

    _room: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the states of new tokens, (batch, heads, tokens, width), and return those of all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        before = self.get_seq_length()
        length = before + key_states.shape[-2]
        if self._room is None or length > self._room[0].shape[-2]:
            self._room = self._widened(self.keys, key_states, length), self._widened(self.values, value_states, length)
        keys, values = (room[..., :length, :] for room in self._room)
        keys[..., before:, :] = key_states
        values[..., before:, :] = value_states
        self.keys, self.values = keys, values
        return keys, values

    @staticmethod
    def _widened(held: torch.Tensor | None, new: torch.Tensor, length: int) -> torch.Tensor:
        room = new.new_empty((*new.shape[:-2], length + SPARE_TOKENS, new.shape[-1]))
        if held is not None and held.numel():
            room[..., : held.shape[-2], :] = held
        return room


class Stepper:
    """A causal language model that several threads may step, one at a time."""

    def __init__(self, model: Any, *, name: str) -> None:
        self.model = model.eval()
        self.name = name
        self._arguments = _forward_arguments(model, name)
        self._stepping = Lock()

    @torch.inference_mode()
    def step(self, tokens: Sequence[int], cache: DynamicCache, count: int) -> torch.Tensor:
        """Return the logits after each of the last ``count`` tokens, as (count, vocabulary).

        Raises:
            ModelError: the device cannot go on.
        """
        try:
            with self._stepping:
                inputs = torch.tensor([tokens], device=self.model.device)
                output = self.model(input_ids=inputs, use_cache=True, **self._arguments(cache, count))
                logits: torch.Tensor = output.logits[0, -count:]
        except RuntimeError as error:
            raise ModelError(
                f"{self.name} could not go on after {len(tokens)} tokens on {self.model.device}: {error}. "
                "Free memory, use fewer passages, or set device to cpu."
            ) from error
        return logits


class Course:
    """One text that a model reads on and on: first the prompt, then what is written, with drafts of what may be.

    Each ``read`` is followed by ``settle``, which says what of the draft stays.
    """

    def __init__(self, stepper: Stepper, prompt: Sequence[int]) -> None:
        self._stepper = stepper
        self._cache = roomy_cache(stepper.model.config)
        self._unread = list(prompt)
        self._drafted = 0
        self._began = False

    @property
    def takes_drafts(self) -> bool:
        """Whether what was read can be taken back; a cache that is a running state (Mamba and its kin) cannot."""
        return self._began and bool(self._cache.is_croppable)

    def read(self, draft: Sequence[int] = ()) -> torch.Tensor:
        """Return the logits after the text and after each token of the draft, as (1 + len(draft), vocabulary)."""
        self._drafted = len(draft)
        return self._stepper.step([*self._unread, *draft], self._cache, len(draft) + 1)

    def settle(self, tokens: Sequence[int]) -> None:
        """Go on with these tokens: the first of the draft that fit, and one more."""
        if self._cache.is_croppable:
            if not self._began:
                self._cache.activate_past_recording()  # type: ignore[no-untyped-call]
            else:
                self._cache.crop(len(tokens) - 1 - self._drafted)
        self._began = True
        self._unread = [tokens[-1]]


def roomy_cache(config: PreTrainedConfig) -> DynamicCache:
    """Return an empty cache for a model, with room in those of its layers that keep all tokens."""
    cache = DynamicCache(config=config)
    cache.layers = [
        RoomyLayer() if type(layer) is DynamicLayer else layer  # type: ignore[no-untyped-call]
        for layer in cache.layers
    ]
    return cache


def _forward_arguments(model: Any, name: str) -> Callable[[DynamicCache, int], dict[str, Any]]:
    """Return what else the model's forward takes, for a cache and the count of last tokens whose logits are needed."""
    known = inspect.signature(model.forward).parameters
    cache_name = next((option for option in ("past_key_values", "cache_params") if option in known), None)
    if cache_name is None:
        raise ModelError(f"{name} keeps no cache between tokens, which is not supported. Choose another generator.")
    if "logits_to_keep" in known:
        return lambda cache, count: {cache_name: cache, "logits_to_keep": count}
    return lambda cache, _: {cache_name: cache}
