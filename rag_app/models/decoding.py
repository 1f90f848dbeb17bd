"""How an answer's tokens are chosen beyond what the model alone finds likeliest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import LogitsProcessor, PreTrainedModel

from rag_app.models.faithfulness import GROWING, GUARDED, JOINERS, OPEN_MARK, Faithful, begins_sentence, is_guarded
from rag_app.models.stepping import Course, Stepper
from rag_app.models.vocabulary import Flags, decode_whole, vocabulary_of
from rag_app.records import Message

WINDOW_TOKENS = 64
"""How far back a text is read; no number or name is that long."""
MOST_MASKS = 512


@dataclass(frozen=True, slots=True)
class Decoding:
    """What may change which token is written next.

    ``faithful_to`` is a text (the sources and the question) outside of which no number, date or name is written.
    ``contrast`` > 0 strengthens what the sources bring, against the same prompt ``without`` them; it costs a second
    forward per step. ``lookup`` drafts tokens from the prompt, which makes quoting faster and changes no text, but for
    tokens that are equally likely within the rounding of bfloat16: a step of several tokens rounds otherwise than one.
    """

    faithful_to: str | None = None
    contrast: float = 0.0
    without: Sequence[Message] | None = None
    lookup: bool = True

    def __post_init__(self) -> None:
        if self.contrast and self.without is None:
            raise ValueError("Decoding with contrast needs the prompt without its sources.")


class Place(NamedTuple):
    """All that matters of a text for which token may follow it."""

    word: str
    """The word that may grow, or the number with its last joiner."""
    begins: bool
    """Whether that word, or the next if there is none, begins a sentence."""
    mark: str | None
    """The digits since an opening bracket."""
    unfinished: bytes
    """The first bytes of a character."""


class FaithfulLogitsProcessor(LogitsProcessor):
    """Lets numbers, dates and names be written only if they stand in ``sources_text``; see ``faithfulness``.

    That a name stands there does not make it the right one: a model that was about to invent one may write another
    of the sources instead, so what it writes is to be checked all the same.

    Args:
        tokenizer: the model's own, byte-level or SentencePiece.
        sources_text: the sources and the question.
        prompt_length: how many tokens of ``input_ids`` come before the text that is written.
    """

    def __init__(self, tokenizer: Any, sources_text: str, prompt_length: int) -> None:
        self._vocabulary = vocabulary_of(tokenizer)
        self._faithful = Faithful(sources_text, self._vocabulary.common)
        self._prompt_length = prompt_length
        self._end: int | None = tokenizer.eos_token_id
        self._starting = tuple(self._starts(begins=begins) for begins in (False, True))
        self._masks: dict[tuple[Place, int, torch.device], torch.Tensor] = {}

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return the scores, a row per text, -inf where a token would make its text unfaithful."""
        written: list[list[int]] = input_ids[:, self._prompt_length :].tolist()
        rows = [self.mask(tokens, row) for tokens, row in zip(written, scores, strict=True)]
        return torch.stack(rows)  # type: ignore[return-value]

    def mask(self, written: Sequence[int], scores: torch.Tensor) -> torch.Tensor:
        """Return the scores of the token after those ``written``, -inf where it would make the text unfaithful."""
        place = self._find_place(written)
        key = (place, len(scores), scores.device)
        if key not in self._masks:
            if len(self._masks) >= MOST_MASKS:
                self._masks.clear()
            self._masks[key] = self._forbidden(place, len(scores)).to(scores.device)
        return scores.masked_fill(self._masks[key], -torch.inf)

    def _find_place(self, written: Sequence[int]) -> Place:
        spelled, recent = self._vocabulary.spelled, written[-WINDOW_TOKENS:]
        text, unfinished = decode_whole(b"".join(spelled[token] for token in recent if token < len(spelled)))
        if len(recent) < len(written):
            text = f"a {text}"
        growing = GROWING.search(text)
        word = growing.group() if growing else ""
        mark = OPEN_MARK.search(text)
        begins = begins_sentence(text if word.endswith(tuple(JOINERS)) else text[: len(text) - len(word)])
        return Place(word, begins, mark and (mark.group(1) or ""), unfinished)

    def _forbidden(self, place: Place, size: int) -> torch.Tensor:
        allowed = self._allowed(place)
        if not allowed.any():
            # Nothing fits, as after half a word that no source goes on with: rather end than write on.
            allowed = np.ones_like(allowed) if self._end is None else np.arange(len(allowed)) == self._end
        whole = np.zeros(size, dtype=np.bool_)
        whole[: len(allowed)] = allowed[:size]
        return torch.from_numpy(~whole)

    def _allowed(self, place: Place) -> Flags:
        if place.unfinished:
            return self._finishing(place)
        word = place.word.rstrip(JOINERS)
        if not word:
            allowed = self._starting[place.begins].copy()
        elif is_guarded(word):
            allowed = self._after_guarded(place, word)
        else:
            allowed = self._after_ordinary(word)
        if place.mark is not None:
            self._allow_mark(place.mark, allowed)
        return allowed

    def _starts(self, *, begins: bool) -> Flags:
        """Return which tokens may follow where no word may grow."""
        vocabulary, known = self._vocabulary, self._faithful.allowed.words
        allowed: Flags = vocabulary.unguarded | (vocabulary.sentence if begins else vocabulary.next_sentence)
        for beginning in {word[:end] for word in known for end in range(1, len(word) + 1)}:
            allowed[vocabulary.beginning.get(beginning, [])] = True
        return allowed

    def _after_ordinary(self, word: str) -> Flags:
        """Return which tokens may follow an ordinary word that may also grow."""
        vocabulary, known = self._vocabulary, self._faithful.allowed
        allowed: Flags = (self._starting[False] & vocabulary.closing) | vocabulary.ordinary
        for guarded in GUARDED:
            if guarded.startswith(word) and not known.has_beginning(guarded):
                allowed[vocabulary.going_on.get(guarded[len(word) :].encode(), [])] = False
        self._allow_growth(word.lower(), allowed)
        return allowed

    def _after_guarded(self, place: Place, word: str) -> Flags:
        """Return which tokens may follow a guarded word, or a number with its last joiner."""
        vocabulary, joined = self._vocabulary, place.word != word
        begins = place.begins
        allowed = np.zeros(len(vocabulary.spelled), dtype=np.bool_)
        if self._faithful.may_end(word, begins=begins):
            allowed |= self._starting[joined and begins]
            allowed &= ~vocabulary.digits if joined else vocabulary.closing
            if word[0].isdecimal() and not joined:
                allowed &= ~vocabulary.in_number
        if not joined and begins and word.isalpha():
            allowed[list(vocabulary.growing_common(word.lower()))] = True
        self._allow_growth(place.word.lower(), allowed)
        return allowed

    def _allow_growth(self, begun: str, allowed: Flags) -> None:
        going_on = self._vocabulary.going_on
        for word in self._faithful.allowed.beginning_with(begun):
            rest = word[len(begun) :].encode()
            for end in range(1, len(rest) + 1):
                allowed[going_on.get(rest[:end], [])] = True

    def _allow_mark(self, digits: str, allowed: Flags) -> None:
        going_on = self._vocabulary.going_on
        if digits:
            for token in going_on.get(b"]", []):
                allowed[token] = True
        room = 2 - len(digits)
        for number in range(0 if digits else 1, 10**room if room else 0):
            allowed[going_on.get(str(number).encode(), [])] = True

    def _finishing(self, place: Place) -> Flags:
        """Return which tokens may follow the first bytes of a character."""
        vocabulary = self._vocabulary
        allowed = np.zeros(len(vocabulary.spelled), dtype=np.bool_)
        before = "" if place.begins else "a "
        for token in vocabulary.continuing:
            text, unfinished = decode_whole(place.unfinished + vocabulary.spelled[token])
            whole = "\ufffd" not in text and (bool(text) or len(unfinished) > len(place.unfinished))
            allowed[token] = whole and self._faithful.permits(f"{before}{place.word}{text}")
        return allowed


class ContextAwareLogitsProcessor(LogitsProcessor):
    """Strengthens what the sources bring (context-aware decoding, Shi et al. 2023, arXiv 2305.14739).

    Args:
        model: the model that writes; it reads every text a second time, with a cache of its own.
        without: the tokens of the prompt without its sources.
        prompt_length: how many tokens of ``input_ids`` come before the text that is written.
        contrast: how much; 0 changes nothing. The paper finds 0.5 best for summaries.
    """

    def __init__(self, model: PreTrainedModel, without: Sequence[int], prompt_length: int, *, contrast: float) -> None:
        self._stepper = Stepper(model, name=model.name_or_path or type(model).__name__)
        self._without = list(without)
        self._prompt_length = prompt_length
        self._contrast = contrast
        self._course: Course | None = None
        self._read: list[int] = []

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Return the contrasted scores of one text; its tokens must be those of the last call and one more."""
        if len(input_ids) != 1:
            raise ValueError(f"Context-aware decoding writes one text at a time, not {len(input_ids)}.")
        written: list[int] = input_ids[0, self._prompt_length :].tolist()
        if self._course is not None and written[:-1] == self._read:
            self._course.settle(written[-1:])
        else:
            self._course = Course(self._stepper, [*self._without, *written])
        self._read = written
        return contrasted(scores, self._course.read(), self._contrast)  # type: ignore[return-value]


def contrasted(scores: torch.Tensor, without: torch.Tensor, contrast: float) -> torch.Tensor:
    """Return the scores moved away from those ``without`` sources: (1 + contrast) * scores - contrast * without."""
    return (1 + contrast) * scores - contrast * without.to(scores)
