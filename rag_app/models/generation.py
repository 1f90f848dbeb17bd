"""Write text with a causal language model, greedily, piece by piece.

The loop over the model is our own: no thread that could hang or swallow an error, a stop that is honoured at the
next step, and drafts looked up in the prompt. An answer that quotes its passages repeats runs of the prompt, so what
followed the same words before is proposed and checked in one step (prompt lookup decoding, Saxena 2023). A
proposed token stays only if it is the one that the model would have written.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from rag_app.errors import ModelDamaged, ModelError
from rag_app.models.catalogue import ModelSource
from rag_app.models.decoding import Decoding, FaithfulLogitsProcessor, contrasted
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.packing import pack_linears
from rag_app.models.quiet import quietly
from rag_app.models.stepping import Course, Stepper
from rag_app.models.streaming import Progress, PromptLookup, TextStream, Writing
from rag_app.models.templates import NEXT_TURN, encode_chat, has_template
from rag_app.records import Message

CONTEXT_WHEN_UNTOLD = 2048


@dataclass(frozen=True, slots=True)
class Order:
    """What to write: after which tokens, how many at most, until when, and how they are chosen."""

    prompt: list[int]
    most: int
    stop: Callable[[], bool] | None = None
    decoding: Decoding = Decoding()


class Generator:
    """A chat model. ``context_tokens`` bounds the prompt and the answer together.

    Several threads may stream at once: their steps take turns at the model, each with a cache of its own.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str) -> None:
        self.name = name
        self.context_tokens = _context_tokens(model, tokenizer)
        self._stepper = Stepper(model, name=name)
        self._tokenizer = tokenizer
        self._ends = _end_tokens(model, tokenizer)
        # A tokenizer is used by one thread at a time.
        self._tokenizing = Lock()

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
        """Return the pieces of the answer as they are written, always of the likeliest tokens that are allowed.

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
        order = Order(prompt, min(max_new_tokens, self.context_tokens - len(prompt)), stop, decoding)
        return Writing(self._write(order, progress), progress)

    def _write(self, order: Order, progress: Progress) -> Iterator[str]:
        text = TextStream(self._decode, until=None if has_template(self._tokenizer) else NEXT_TURN)
        for tokens in self._settle(order, progress):
            if piece := text.add(tokens):
                yield piece
            if text.ended:
                return
        if rest := text.rest():
            yield rest

    def _settle(self, order: Order, progress: Progress) -> Iterator[list[int]]:
        """Yield the one or more tokens that each step settles, up to the token that ends the answer."""
        courses, faithful = self._begin(order)
        lookup = PromptLookup(order.prompt)
        written, draft = list[int](), list[int]()
        while len(written) < order.most and not (order.stop and order.stop()):
            logits = courses[0].read(draft)
            if progress.opening is None:
                progress.opening = self._opening(logits[0])
            scores = contrasted(logits, courses[1].read(draft), order.decoding.contrast) if courses[1:] else logits
            settled = _choose(scores, draft, written, faithful)
            end = next((place for place, token in enumerate(settled) if token in self._ends), len(settled))
            if end:
                _note(progress, logits[:end], settled[:end])
                yield settled[:end]
            if end < len(settled):
                return
            written += settled
            for course in courses:
                course.settle(settled)
            if order.decoding.lookup and all(course.takes_drafts for course in courses):
                lookup.add(settled)
                draft = lookup.propose()[: order.most - len(written) - 1]

    def _begin(self, order: Order) -> tuple[list[Course], FaithfulLogitsProcessor | None]:
        """Return the course of the prompt, that of the prompt without sources if there is one, and the mask."""
        decoding = order.decoding
        courses = [Course(self._stepper, order.prompt)]
        if decoding.contrast and decoding.without is not None:
            courses.append(Course(self._stepper, self._encode(decoding.without)))
        if decoding.faithful_to is None:
            return courses, None
        with self._tokenizing:
            return courses, FaithfulLogitsProcessor(self._tokenizer, decoding.faithful_to, len(order.prompt))

    def _opening(self, logits: torch.Tensor) -> Callable[[str], float]:
        probabilities = logits.float().softmax(dim=-1)

        def probability(text: str) -> float:
            # A model without template writes a space before its first word.
            with self._tokenizing:
                encoded = [self._tokenizer.encode(f"{space}{text}", add_special_tokens=False) for space in ("", " ")]
            return float(probabilities[sorted({tokens[0] for tokens in encoded if tokens})].sum())

        return probability

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
    pack_linears(model)
    return Generator(model, tokenizer, name=source.identity)


def _choose(
    scores: torch.Tensor, draft: Sequence[int], written: list[int], faithful: FaithfulLogitsProcessor | None
) -> list[int]:
    """Return the likeliest tokens: those of the draft that are, and the one that follows them."""
    unmasked: list[int] = [] if faithful else scores.argmax(dim=-1).tolist()
    settled = list[int]()
    for place, row in enumerate(scores):
        # Which tokens are allowed depends on those before, so no row can be masked ahead of them.
        token = int(faithful.mask(written + settled, row).argmax()) if faithful else unmasked[place]
        settled.append(token)
        if place < len(draft) and token != draft[place]:
            break
    return settled


def _note(progress: Progress, logits: torch.Tensor, tokens: Sequence[int]) -> None:
    """Take note of tokens that were written, each with its row of the model's own logits."""
    rows = logits.float()
    places = torch.arange(len(tokens), device=rows.device)
    chosen = torch.tensor(tokens, device=rows.device)
    own = rows[places, chosen]
    progress.tokens += len(tokens)
    progress.log_probability += float((own - rows.logsumexp(dim=-1)).sum())
    progress.overruled += int((own < rows.amax(dim=-1)).sum())


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
