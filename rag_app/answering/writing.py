"""Let a language model say the answer, and keep what a passage supports of its sentences."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from rag_app.answering.grounding import Grounder, SupportModel, Window, quote_around
from rag_app.answering.parts import Parts
from rag_app.answering.prompting import build_prompt
from rag_app.answering.reply import Draft, Stage
from rag_app.answering.sentences import complete_sentences, split_sentences
from rag_app.answering.weighing import Weighed
from rag_app.answering.wording import content_stems, quantities
from rag_app.models.decoding import Decoding
from rag_app.models.streaming import Writing
from rag_app.records import Message, Sentence

PROMPT_PASSAGES = 2
LEAST_SHARE = 0.8
PROMPT_TOKENS = 1400
MOST_SENTENCES = 1
FRUITLESS_SENTENCES = 2
CONTRAST = 0.5
"""The weight of context-aware decoding that its authors chose (Shi et al. 2023, arXiv 2305.14739)."""
OPENING = re.compile(r"^(?:yes|no|sure|certainly|of course)[,.:;!]\s+", re.IGNORECASE)
"""Only with its comma or stop: in "No dogs are allowed" the first word is the meaning."""
WHOLE = re.compile(r"[.!?…][\"'”’)\]]*$")
"""How a sentence ends that was not cut off."""
MARK = re.compile(r"\s*\[\d+\]")


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


class Writer:
    """Writes an answer's sentences with a generator; the evidence model checks each of them.

    Args:
        generator: writes.
        evidence: judges whether a passage supports a sentence.
        threshold: confidence that a passage needs to be a source.
        answer_tokens: the most that the generator may write.
        parts: what is at work.
    """

    def __init__(
        self, generator: TextGenerator, evidence: SupportModel, *, threshold: float, answer_tokens: int, parts: Parts
    ) -> None:
        self._generator = generator
        self._evidence = evidence
        self._threshold = threshold
        self._answer_tokens = answer_tokens
        self._parts = parts

    def write(self, draft: Draft, weighed: Sequence[Weighed]) -> Iterator[Stage | Sentence]:
        """Let the generator write, and keep those of its sentences that a passage supports."""
        generator = self._generator
        sources = [
            quote_around(w.passage, (w.span.start, w.span.end))
            for w in weighed[:PROMPT_PASSAGES]
            if w.span and w.confidence >= max(self._threshold, LEAST_SHARE * weighed[0].confidence)
        ]
        prompt = self._prompt(draft, sources)
        grounder = Grounder(self._evidence, draft.standalone, [source.passage for source in sources])
        writing = generator.stream(prompt, max_new_tokens=self._answer_tokens, decoding=self._decoding(draft, sources))
        draft.prompt_tokens = writing.prompt_tokens
        fruitless, seen = 0, set[str]()
        for sentence in _sentences_of(writing, draft):
            bare = MARK.sub("", OPENING.sub("", sentence)).strip()
            key = " ".join(bare.casefold().split())
            if not key or key in seen:
                break
            seen.add(key)
            if draft.agreement is None:
                draft.agreement = agreement(bare, draft.short_answer or "", draft.standalone)
            yield Stage("checking")
            window = self._window(grounder, bare, draft)
            if window is None:
                fruitless += 1
                if fruitless >= FRUITLESS_SENTENCES:
                    break
                continue
            yield draft.keep(Sentence(_capitalised(bare), "supported"), window)
            if len(draft.sentences) >= MOST_SENTENCES:
                break

    def _window(self, grounder: Grounder, sentence: str, draft: Draft) -> Window | None:
        """Return the window to cite for a sentence that may be shown, or None."""
        if not self._parts.checks:
            return grounder.nearest(sentence)
        window = grounder.find_support(sentence)
        if window is None:
            draft.doubtful.append(Sentence(_capitalised(sentence), "unsupported"))
        answers = bool(draft.sentences) or holds_answer(sentence, draft.short_answer or "")
        return window if answers else None

    def _prompt(self, draft: Draft, sources: Sequence[Window]) -> list[Message]:
        generator = self._generator
        return build_prompt(
            draft.standalone,
            sources,
            # It stands in the sources: a prompt without them is one without it.
            short_answer=flatten(draft.short_answer or "") if sources else "",
            count_tokens=generator.count_tokens,
            budget_tokens=min(PROMPT_TOKENS, generator.context_tokens - self._answer_tokens),
        )

    def _decoding(self, draft: Draft, sources: Sequence[Window]) -> Decoding:
        known = "\n".join([*(f"{source.context}: {source.text}" for source in sources), draft.standalone])
        return Decoding(
            faithful_to=known if self._parts.faithful else None,
            contrast=CONTRAST if self._parts.contrast else 0.0,
            without=self._prompt(draft, []) if self._parts.contrast else None,
            lookup=self._parts.lookup,
        )


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


def flatten(text: str) -> str:
    """Return a quoted text on one line."""
    return re.sub(r"\s+", " ", text).strip()


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _sentences_of(writing: Writing, draft: Draft) -> Iterator[str]:
    """Yield the sentences of a generated text, each as soon as it is whole. One that was cut off is left out."""
    text, done = "", 0
    for piece in writing:
        if not text:
            draft.clock("first_token", draft.started)
        text += piece
        draft.completion_tokens = writing.tokens
        whole = complete_sentences(text[done:])
        if whole:
            yield from _pieces(text[done : done + whole])
            done += whole
    if WHOLE.search(text.rstrip()):
        yield from _pieces(text[done:])


def _pieces(text: str) -> Iterator[str]:
    for low, high in split_sentences(text):
        yield text[low:high]
