"""Examples for a language model, as messages and as tokens, and the steps that they are learned in."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rag_app.models.templates import encode_chats
from rag_app.records import Message

ENCODED_AT_ONCE = 8192
SORTED_AT_ONCE = 4096
"""Rows of like length are looked for among so many."""


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt and what to answer."""

    messages: tuple[Message, ...]
    completion: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """An encoded example: its tokens, and how many of them are the prompt's."""

    ids: tuple[int, ...]
    prompt: int


def encode_examples(examples: Sequence[Example], tokenizer: Any, *, max_tokens: int) -> list[Tokens]:
    """Tokenise examples; those longer than ``max_tokens`` are left out, for a cut prompt may lose its answer."""
    end = tokenizer.eos_token_id
    encoded = []
    for low in range(0, len(examples), ENCODED_AT_ONCE):
        some = examples[low : low + ENCODED_AT_ONCE]
        prompts = encode_chats(tokenizer, [e.messages for e in some])
        completions = tokenizer([e.completion for e in some], add_special_tokens=False)["input_ids"]
        for prompt, completion in zip(prompts, completions, strict=True):
            if len(prompt) + len(completion) < max_tokens:
                encoded.append(Tokens((*prompt, *completion, end), len(prompt)))
    return encoded


def plan_steps(rows: Sequence[Tokens], seed: int, *, tokens: int, epochs: float) -> list[list[Tokens]]:
    """Return the steps of a training: each epoch's in an order of its own, the last epoch perhaps a part of one."""
    rng = random.Random(seed)
    plan: list[list[Tokens]] = []
    while rows and epochs > 0:
        steps = steps_of(rows, rng, tokens=tokens)
        plan += steps[: max(1, round(len(steps) * min(epochs, 1.0)))]
        epochs -= 1
    return plan


def steps_of(rows: Sequence[Tokens], rng: random.Random, *, tokens: int) -> list[list[Tokens]]:
    """Return one epoch's steps, in random order: rows of like length, together of at most ``tokens`` with padding."""
    order = rng.sample(range(len(rows)), len(rows))
    steps: list[list[Tokens]] = []
    for low in range(0, len(order), SORTED_AT_ONCE):
        step: list[Tokens] = []
        for i in sorted(order[low : low + SORTED_AT_ONCE], key=lambda i: len(rows[i].ids)):
            if step and len(rows[i].ids) * (len(step) + 1) > tokens:
                steps.append(step)
                step = []
            step.append(rows[i])
        steps.append(step)
    rng.shuffle(steps)
    return steps


def cut_step(rows: Sequence[Tokens], tokens: int) -> Iterator[Sequence[Tokens]]:
    """Cut a step into passes of at most ``tokens`` with padding, and at least one row."""
    each = max(tokens // max(len(r.ids) for r in rows), 1)
    for low in range(0, len(rows), each):
        yield rows[low : low + each]
