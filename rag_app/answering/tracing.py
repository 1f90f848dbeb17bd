"""Note how an answer comes about, and tell it in the end.

Notes are references to what there is anyway; nothing is computed before the answer is whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rag_app.answering.retrieval import Finding
from rag_app.answering.weighing import STALE_PENALTY, Weighed, whole_text
from rag_app.answering.wording import missing_names, missing_numbers
from rag_app.records import DraftedSentence, Fate, Found, Hit, Message, Trace, TracedPassage

DIGITS = 6


@dataclass(slots=True)
class Notes:
    """What is known so far of how an answer comes about; see ``Trace``."""

    finding: Finding = field(default_factory=Finding)
    weighed: Sequence[Weighed] = ()
    sources: tuple[int, ...] = ()
    prompt_characters: int = 0
    first_line: str = ""
    drafted: list[DraftedSentence] = field(default_factory=list)
    disagreement: tuple[int, ...] = ()
    threshold: float = 0.0

    def note_prompt(self, sources: Sequence[Weighed], prompt: Sequence[Message]) -> None:
        """Note what the language model is asked to read."""
        self.sources = tuple(source.passage.chunk.id for source in sources)
        self.prompt_characters = len(prompt[-1].content)

    def note_sentence(self, fate: Fate, text: str = "") -> None:
        """Note what becomes of a sentence that was written; its text where it is not shown."""
        self.drafted.append(DraftedSentence(fate, text))


def tell_trace(notes: Notes, question: str, timings_ms: Mapping[str, float]) -> Trace:
    """Return how the answer to a question came about, by the notes taken meanwhile."""
    finding = notes.finding
    ways = _Ways.of(finding)
    return Trace(
        passages=tuple(_traced(weighed, question, ways) for weighed in notes.weighed),
        by_meaning=len(ways.by_meaning),
        by_words=len(ways.by_words),
        by_both=len(ways.by_meaning.keys() & ways.by_words.keys()),
        sources=notes.sources,
        prompt_characters=notes.prompt_characters,
        first_line=notes.first_line,
        drafted=tuple(notes.drafted),
        disagreement=notes.disagreement,
        threshold=notes.threshold,
        timings_ms={name: round(value, 2) for name, value in {**finding.timings_ms, **timings_ms}.items()},
    )


@dataclass(frozen=True, slots=True)
class _Ways:
    """What is known of each chunk that was found, by its id: the searches' ranks, its copies, rank and summed score."""

    by_meaning: dict[int, Found]
    by_words: dict[int, Found]
    copies: dict[int, tuple[int, ...]]
    fused: dict[int, Found]

    @classmethod
    def of(cls, finding: Finding) -> "_Ways":
        taken = [Hit(passage.chunk.id, passage.score) for passage in finding.passages]
        copies = {hit.chunk_id: hit.copies for hit in finding.distinct}
        return cls(_ranks(finding.by_meaning), _ranks(finding.by_words), copies, _ranks(taken))


def _ranks(hits: Sequence[Hit]) -> dict[int, Found]:
    return {hit.chunk_id: Found(rank, round(hit.score, DIGITS)) for rank, hit in enumerate(hits, start=1)}


def _best(ranks: Mapping[int, Found], chunk_ids: Sequence[int]) -> Found | None:
    """Return how a search found the first of some copies, if it found any."""
    return min((ranks[i] for i in chunk_ids if i in ranks), key=lambda found: found.rank, default=None)


def _traced(weighed: Weighed, question: str, ways: _Ways) -> TracedPassage:
    passage, evidence = weighed.passage, weighed.evidence
    chunk_id, text = passage.chunk.id, whole_text(passage)
    copies, fused = ways.copies.get(chunk_id, ()), ways.fused[chunk_id]
    return TracedPassage(
        chunk_id=chunk_id,
        document_id=passage.document.id,
        found_rank=fused.rank,
        rank=passage.rank,
        meaning=_best(ways.by_meaning, (chunk_id, *copies)),
        words=_best(ways.by_words, (chunk_id, *copies)),
        fused=fused.score,
        copies=copies,
        probability=round(evidence.probability if evidence else weighed.confidence, DIGITS),
        relevance=round(evidence.relevance if evidence else 0.0, DIGITS),
        confidence=round(weighed.confidence, DIGITS),
        rank_score=round(weighed.rank_score, DIGITS),
        stale_penalty=STALE_PENALTY * weighed.stale,
        span=(weighed.span.start, weighed.span.end) if weighed.span else None,
        missing=(*missing_names(question, text), *missing_numbers(question, text)),
    )
