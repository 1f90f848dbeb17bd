"""Let a language model say the answer, and keep what a passage supports of its sentences."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from rag_app.answering.grounding import Grounder, SupportModel, quote_around
from rag_app.answering.prompting import build_prompt
from rag_app.answering.reply import Draft, Stage
from rag_app.answering.sentences import complete_sentences, split_sentences
from rag_app.answering.weighing import Weighed
from rag_app.answering.wording import content_stems, quantities
from rag_app.records import Message, Sentence

PROMPT_PASSAGES = 2
LEAST_SHARE = 0.8
PROMPT_TOKENS = 1400
MOST_SENTENCES = 1
FRUITLESS_SENTENCES = 2
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
        self, messages: Sequence[Message], *, max_new_tokens: int, stop: Callable[[], bool] | None = None
    ) -> Iterator[str]: ...


class Writer:
    """Writes an answer's sentences with a generator; the evidence model checks each of them.

    Args:
        generator: writes.
        evidence: judges whether a passage supports a sentence.
        threshold: confidence that a passage needs to be a source.
        answer_tokens: the most that the generator may write.
    """

    def __init__(
        self, generator: TextGenerator, evidence: SupportModel, *, threshold: float, answer_tokens: int
    ) -> None:
        self._generator = generator
        self._evidence = evidence
        self._threshold = threshold
        self._answer_tokens = answer_tokens

    def write(self, draft: Draft, weighed: Sequence[Weighed]) -> Iterator[Stage | Sentence]:
        """Let the generator write, and keep those of its sentences that a passage supports."""
        generator = self._generator
        sources = [
            quote_around(w.passage, (w.span.start, w.span.end))
            for w in weighed[:PROMPT_PASSAGES]
            if w.span and w.confidence >= max(self._threshold, LEAST_SHARE * weighed[0].confidence)
        ]
        prompt = build_prompt(
            draft.standalone,
            sources,
            short_answer=flatten(draft.short_answer or ""),
            count_tokens=generator.count_tokens,
            budget_tokens=min(PROMPT_TOKENS, generator.context_tokens - self._answer_tokens),
        )
        draft.prompt_tokens = generator.count_tokens(prompt)
        grounder = Grounder(self._evidence, draft.standalone, [source.passage for source in sources])
        fruitless, seen = 0, set[str]()
        for sentence in _stream_sentences(draft, generator, prompt, self._answer_tokens):
            bare = MARK.sub("", OPENING.sub("", sentence)).strip()
            key = " ".join(bare.casefold().split())
            if not key or key in seen:
                break
            seen.add(key)
            yield Stage("checking")
            window = grounder.find_support(bare)
            answers = bool(draft.sentences) or holds_answer(bare, draft.short_answer or "")
            if window is None or not answers:
                fruitless += 1
                if fruitless >= FRUITLESS_SENTENCES:
                    break
                continue
            yield draft.keep(Sentence(bare[:1].upper() + bare[1:], "supported"), window)
            if len(draft.sentences) >= MOST_SENTENCES:
                break


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


def _stream_sentences(
    draft: Draft, generator: TextGenerator, prompt: Sequence[Message], most_tokens: int
) -> Iterator[str]:
    """Yield the sentences of a generated text, each as soon as it is whole. One that was cut off is left out."""
    text, done, overhead = "", 0, _count_tokens(generator, "")
    for piece in generator.stream(prompt, max_new_tokens=most_tokens):
        if not text:
            draft.clock("first_token", draft.started)
        text += piece
        # A piece is one token or several.
        draft.completion_tokens = _count_tokens(generator, text) - overhead
        whole = complete_sentences(text[done:])
        if whole:
            yield from _pieces(text[done : done + whole])
            done += whole
    if WHOLE.search(text.rstrip()):
        yield from _pieces(text[done:])


def _count_tokens(generator: TextGenerator, text: str) -> int:
    return generator.count_tokens([Message("user", text)])


def _pieces(text: str) -> Iterator[str]:
    for low, high in split_sentences(text):
        yield text[low:high]
