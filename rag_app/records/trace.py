"""How an answer came about: what was found, how it was weighed, what was written, and how long it took.

A trace names passages by their ids and holds numbers. Of texts it holds only what stands nowhere else: what was
written and not shown, and the names of the question that a passage lacks.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Fate = Literal["shown", "unsupported", "no_answer", "repeated", "fragment", "cut_off"]
"""What became of a sentence: shown; supported by no source; without the answer in it; said before; too short to mean
anything alone; not brought to its end."""


@dataclass(frozen=True, slots=True)
class Found:
    """How one of the two searches found a passage: its rank from 1 and that search's own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class TracedPassage:
    """How a passage fared. ``found_rank`` is its rank by the search alone, ``rank`` the one after weighing.

    ``meaning`` and ``words`` are None where that search did not find it; its cosine and its score of words are added
    to ``fused``. ``copies`` are the ids of chunks of the same content that it stands for. ``probability`` is the
    evidence model's that it answers, ``relevance`` that it is about the question; ``confidence`` is the first, lowered
    for the ``missing`` names and numbers of the question and for a span that cannot be an answer. ``rank_score`` and
    the ``stale_penalty`` in it are log odds. ``span`` counts characters of the passage's text.
    """

    chunk_id: int
    document_id: int
    found_rank: int
    rank: int
    meaning: Found | None
    words: Found | None
    fused: float
    copies: tuple[int, ...]
    probability: float
    relevance: float
    confidence: float
    rank_score: float
    stale_penalty: float
    span: tuple[int, int] | None
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DraftedSentence:
    """A sentence that was written. Its text is here only where it was not shown: the answer has the others."""

    fate: Fate
    text: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """How an answer came about.

    ``passages`` are those that were weighed, by their new ranks. ``by_meaning``, ``by_words`` and ``by_both`` count
    what the searches found before. ``sources`` are the ids of the chunks in the prompt, in its order, none where
    nothing was asked of the language model; ``prompt_characters`` is the length of what it was sent, without its
    instruction. ``first_line`` is the short answer that it wrote. With ``disagreement``, the ids of the chunks that
    contradict each other, the newer first. Below ``threshold`` nothing is shown.
    """

    passages: tuple[TracedPassage, ...]
    by_meaning: int
    by_words: int
    by_both: int
    sources: tuple[int, ...]
    prompt_characters: int
    first_line: str
    drafted: tuple[DraftedSentence, ...]
    disagreement: tuple[int, ...]
    threshold: float
    timings_ms: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``ask --json --trace`` prints."""
        return asdict(self)

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Trace":
        """Return the trace of which ``to_json`` is the form, also after it has been through JSON."""
        whole = cls(**written)
        return replace(
            whole,
            passages=tuple(_passage(passage) for passage in written["passages"]),
            sources=tuple(whole.sources),
            drafted=tuple(DraftedSentence(**sentence) for sentence in written["drafted"]),
            disagreement=tuple(whole.disagreement),
        )

    def without_words(self) -> "Trace":
        """Return the trace without any text: all its words may be those of a document that is to be forgotten."""
        passages = tuple(replace(passage, missing=()) for passage in self.passages)
        return replace(self, passages=passages, drafted=(), first_line="")


def _passage(written: Mapping[str, Any]) -> TracedPassage:
    meaning, words, span = written["meaning"], written["words"], written["span"]
    return TracedPassage(
        **{
            **written,
            "meaning": Found(**meaning) if meaning else None,
            "words": Found(**words) if words else None,
            "span": (span[0], span[1]) if span else None,
            "copies": tuple(written["copies"]),
            "missing": tuple(written["missing"]),
        }
    )
