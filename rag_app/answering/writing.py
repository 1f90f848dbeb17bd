"""Let a language model find and say the answer, and keep what a passage supports of its sentences."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Protocol

from rag_app.answering.grounding import Grounder, SupportModel, Window, quote_around
from rag_app.answering.parts import Parts
from rag_app.answering.prompting import SILENCE, fitting_prompt, reading_prompt, source_text
from rag_app.answering.reply import Draft, Stage
from rag_app.answering.sentences import complete_sentences, split_sentences
from rag_app.answering.weighing import Weighed
from rag_app.answering.wording import content_stems, coverage, quantities
from rag_app.models.decoding import Decoding
from rag_app.models.evidence import NO_CELL, number_cells
from rag_app.models.streaming import Writing
from rag_app.records import Message, Sentence

MOST_SOURCES = 3
LEAST_SHARE = 0.3
"""Of the best passage's confidence, for another to be a source beside it."""
PROMPT_TOKENS = 1200
MOST_SENTENCES = 3
LEAST_WORDS = 5
"""Less is a fragment, which says nothing without its question."""
FRUITLESS_SENTENCES = 2
CONTRAST = 0.5
"""The weight of context-aware decoding that its authors chose (Shi et al. 2023, arXiv 2305.14739)."""
OPENING = re.compile(r"^(?:yes|no|sure|certainly|of course)[,.:;!]\s+", re.IGNORECASE)
"""Only with its comma or stop: in "No dogs are allowed" the first word is the meaning."""
WHOLE = re.compile(r"[.!?…][\"'”’)\]]*(?:\s*\[\d+\])*$")
"""How a sentence ends that was not cut off."""
MARK = re.compile(r"\s*\[\d+\]")
BULLET = re.compile(r"^\s*(?:[-*–]\s+|•\s*)")
"""With its blank: in "-25 °C" the dash is a minus."""
MOST_REPEATS = 2
SHORT_WORDS = 12


class TextGenerator(Protocol):
    """What answering needs of a language model."""

    @property
    def name(self) -> str: ...
    @property
    def context_tokens(self) -> int: ...
    def count_tokens(self, messages: Sequence[Message]) -> int: ...
    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_new_tokens: int,
        stop: Callable[[], bool] | None = None,
        decoding: Decoding = ...,
    ) -> Writing: ...


@dataclass(slots=True)
class Reading:
    """What a generator made of the sources, before it says it in a sentence.

    ``silence`` is its probability that the sources do not answer, ``short_answer`` what it wrote in its first line,
    ``source`` the first passage that holds that, and ``span`` where, in characters of the passage's text.
    ``agreement`` is that of ``short_answer`` with the evidence model's span, and ``certainty`` the geometric mean of
    the probabilities that the model gave its first words, 0.0 where it wrote none. ``cut_off`` tells, once ``rest`` is
    read, whether the model had not come to an end, and ``unfinished`` is the sentence in which it then was.
    """

    sources: Sequence[Weighed]
    silence: float
    certainty: float
    short_answer: str | None = None
    agreement: float = 0.0
    source: Weighed | None = None
    span: tuple[int, int] | None = None
    opening: str = ""
    rest: Iterator[str] = field(default_factory=lambda: iter(()))
    cut_off: Callable[[], bool] = lambda: False
    unfinished: str = ""

    @property
    def signals(self) -> dict[str, float]:
        """What the reading says of the answer's confidence."""
        return {"silence": self.silence, "certainty": self.certainty, "agreement": self.agreement}


class Writer:
    """Reads sources and writes an answer's sentences with a generator; the evidence model checks each of them.

    Args:
        generator: reads and writes.
        evidence: judges whether a passage supports a sentence.
        answer_tokens: the most that the generator may write.
        parts: what is at work.
    """

    def __init__(self, generator: TextGenerator, evidence: SupportModel, *, answer_tokens: int, parts: Parts) -> None:
        self._generator = generator
        self._evidence = evidence
        self._answer_tokens = answer_tokens
        self._parts = parts

    def read(self, draft: Draft, weighed: Sequence[Weighed]) -> Reading | None:
        """Let the generator look for the answer in the best passages, up to its first line.

        None where the question leaves no room for a passage in what the generator can read. What is superseded is no
        source beside what is not: its values would be taken for those of now.
        """
        best = weighed[0]
        sources = [
            w
            for w in weighed[:MOST_SOURCES]
            if w.span and w.confidence >= LEAST_SHARE * best.confidence and (best.stale or not w.stale)
        ]
        fitting, prompt = self._fitting(draft.standalone, sources)
        if not fitting:
            return None
        draft.notes.note_prompt(fitting, prompt)
        writing = self._generator.stream(
            prompt,
            max_new_tokens=self._answer_tokens,
            stop=lambda: draft.stopped,
            decoding=self._decoding(draft, fitting),
        )
        draft.prompt_tokens = writing.prompt_tokens
        pieces, opening = _timed(writing, draft), ""
        while "\n" not in opening.lstrip() and (piece := next(pieces, None)) is not None:
            opening += piece
        line, ended, begun = opening.lstrip().partition("\n")
        line, silence = line.rstrip(), writing.opening_probability(SILENCE)
        silent = line.casefold().startswith(SILENCE.casefold()[:-1])
        draft.notes.first_line = line if ended or silent else ""
        certainty = math.exp(writing.mean_log_probability) if writing.tokens else 0.0
        reading = Reading(fitting, silence, certainty, opening=begun, rest=pieces)
        reading.cut_off = lambda: writing.tokens >= self._answer_tokens
        if silent:
            return reading
        short = MARK.sub("", line).strip()
        if not ended:
            # A model that knows no first line of its own says a sentence at once.
            reading.opening = line
        elif any(c.isalnum() for c in short):
            reading.short_answer = short
            _locate(reading, draft.standalone)
        said = reading.short_answer or reading.opening
        reading.agreement = agreement(said, _span_text(weighed[0]), draft.standalone) if said else 0.0
        return reading

    def say(self, draft: Draft, reading: Reading) -> Iterator[Stage | Sentence]:
        """Let the generator write on, and keep those of its sentences that a passage supports."""
        grounder = Grounder(self._evidence, draft.standalone, [source.passage for source in reading.sources])
        fruitless, seen = 0, set[str]()
        for sentence in _sentences_of(reading):
            bare = MARK.sub("", OPENING.sub("", BULLET.sub("", sentence))).strip()
            key = " ".join(bare.casefold().split())
            if len(key.split()) < LEAST_WORDS:
                draft.notes.note_sentence("fragment", bare)
                continue
            if key in seen:
                draft.notes.note_sentence("repeated", bare)
                break
            seen.add(key)
            if goes_round(bare) or " > " in bare:
                draft.notes.note_sentence("fragment", bare)
                continue
            yield Stage("checking")
            window = self._window(grounder, bare, draft)
            if window is None:
                fruitless += 1
                if fruitless >= FRUITLESS_SENTENCES:
                    break
                continue
            draft.notes.note_sentence("shown")
            yield draft.keep(_as_shown(bare, window), window)
            if len(draft.sentences) >= MOST_SENTENCES:
                break
        if reading.unfinished:
            draft.notes.note_sentence("cut_off", reading.unfinished.strip())

    def _window(self, grounder: Grounder, sentence: str, draft: Draft) -> Window | None:
        """Return the window to cite for a sentence that may be shown, or None."""
        if not self._parts.checks:
            return grounder.nearest(sentence)
        window = grounder.find_support(sentence)
        if window is None:
            draft.doubtful.append(Sentence(_capitalised(sentence), "unsupported"))
            draft.notes.note_sentence("unsupported", sentence)
            return None
        if draft.sentences or holds_answer(sentence, draft.short_answer or ""):
            return window
        draft.notes.note_sentence("no_answer", sentence)
        return None

    def _fitting(self, question: str, sources: Sequence[Weighed]) -> tuple[Sequence[Weighed], list[Message]]:
        """Return as many of the sources as the generator can read, and the prompt that has them."""
        count, prompt = fitting_prompt(
            question,
            [source_text(w.passage) for w in sources],
            count_tokens=self._generator.count_tokens,
            budget_tokens=min(PROMPT_TOKENS, self._generator.context_tokens - self._answer_tokens),
        )
        return sources[:count], prompt

    def _decoding(self, draft: Draft, sources: Sequence[Weighed]) -> Decoding:
        known = "\n".join([*(source_text(source.passage) for source in sources), draft.standalone, SILENCE])
        return Decoding(
            faithful_to=known if self._parts.faithful else None,
            contrast=CONTRAST if self._parts.contrast else 0.0,
            without=reading_prompt(draft.standalone, []) if self._parts.contrast else None,
            lookup=self._parts.lookup,
        )


def _span_text(weighed: Weighed) -> str:
    return weighed.passage.chunk.text[weighed.span.start : weighed.span.end] if weighed.span else ""


def _locate(reading: Reading, question: str) -> None:
    """Find the short answer in the sources: where its sentence is most like the question, but in no label of a row."""
    words = r"\s+".join(map(re.escape, (reading.short_answer or "").split()))
    # Neither "5 days" in "15 days" nor "2" in "2.5" is what was meant.
    wanted = re.compile(rf"(?<!\w)(?<!\d[.,]){words}(?!\w)(?![.,]\d)", re.IGNORECASE)
    best = -1.0
    for source in reading.sources:
        text = source.passage.chunk.text
        cells = number_cells(text)
        for found in wanted.finditer(text):
            if NO_CELL in cells[found.start() : found.end()]:
                # A year in the name of a column is no price.
                continue
            around = quote_around(source.passage, found.span())
            like = coverage(question, f"{around.context} {around.text}") + 1e-3 * source.confidence
            if like > best:
                best, reading.source, reading.span = like, source, found.span()


def agreement(said: str, span: str, question: str) -> float:
    """Return how much what was said and the span found are one: F1 of their content words, those asked with apart.

    From 0.0, nothing in common, to 1.0. What the question says itself is an answer's setting, and counts for neither
    unless there is nothing else.
    """
    asked = content_stems(question)
    left, right = content_stems(said), content_stems(span)
    left, right = left - asked or left, right - asked or right
    shared = len(left & right)
    return 2 * shared / (len(left) + len(right)) if shared else 0.0


def holds_answer(sentence: str, short_answer: str) -> bool:
    """Tell whether a sentence says the short answer: all its numbers and most of its words."""
    numbers = {q.number for q in quantities(short_answer)}
    words = content_stems(short_answer)
    if not numbers <= {q.number for q in quantities(sentence)}:
        return False
    return not words or len(words & content_stems(sentence)) >= 0.6 * len(words)


def goes_round(sentence: str) -> bool:
    """Tell whether a sentence repeats itself, as small models do: two words again and again, "The 5 km is 5 km"."""
    words = sentence.casefold().strip(".!?").split()
    pairs = Counter((a, b) for a, b in pairwise(words) if content_stems(f"{a} {b}"))
    most = max(pairs.values(), default=0)
    telling = any(count > 1 and len(content_stems(" ".join(pair))) == 2 for pair, count in pairs.items())
    return most > MOST_REPEATS or (telling and len(words) < SHORT_WORDS)


def _as_shown(sentence: str, window: Window) -> Sentence:
    """Return a supported sentence as the generator wrote it, or its source's words where it copied them in halves."""
    text = flatten(sentence)
    copied_row = "; " in text and ": " in text
    if copied_row or any(text.count(a) != text.count(b) for a, b in ("()", "[]")):
        return Sentence(flatten(window.text), "quoted")
    return Sentence(_capitalised(text), "supported")


def flatten(text: str) -> str:
    """Return a quoted text on one line."""
    return re.sub(r"\s+", " ", text).strip()


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _timed(writing: Writing, draft: Draft) -> Iterator[str]:
    """Yield the pieces, noting when the first came and how many tokens there are."""
    for piece in writing:
        if not draft.completion_tokens:
            draft.clock("first_token", draft.started)
        draft.completion_tokens = writing.tokens
        yield piece


def _sentences_of(reading: Reading) -> Iterator[str]:
    """Yield the sentences of a generated text, each as soon as it is whole. One that was cut off is left out.

    A model may end its last sentence without a full stop; it gets one.
    """
    text, done = "", 0
    for piece in chain([reading.opening], reading.rest):
        text += piece
        whole = complete_sentences(text[done:])
        if whole:
            yield from _pieces(text[done : done + whole])
            done += whole
    last = text[done:].rstrip()
    if WHOLE.search(last):
        yield from _pieces(last)
    elif last and reading.cut_off():
        reading.unfinished = last
    elif last:
        yield from _pieces(f"{MARK.sub('', last).rstrip(' ,;:-–—')}.")


def _pieces(text: str) -> Iterator[str]:
    for low, high in split_sentences(text):
        yield text[low:high]
