"""Rank retrieved passages by the evidence in them."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from rag_app.answering.confidence import UNFIT_ODDS, choose_span, log_odds, may_answer, passage_confidence
from rag_app.answering.tables import without_bounds
from rag_app.models.evidence import AnswerSpan, Evidence
from rag_app.records import Passage, heading_path

STALE_PENALTY = 1.5
"""In log odds, against a document that says it is superseded."""
RETRIEVAL_WEIGHT = 25.0
"""In log odds for each unit of the retrieval score, a cosine with something added for words. Chosen on six kinds of
questions and claims that the evidence model was not trained on, and on the sample's dev questions; from 20 to 30 the
mean nDCG@10 changes by 0.003."""
SUPERSEDED = re.compile(
    r"\b(?:superseded|obsolete|archived?|withdrawn|no longer (?:valid|in force|applies)|replaced by)\b", re.IGNORECASE
)
_ASKS_FOR_OLD = re.compile(
    r"\b(?:old|older|previous|previously|former|formerly|archived?|superseded|used to)\b"
    r"|^(?:wh\w+|how)(?: [\w'’-]+){0,4} (?<!\bi )(?<!\bwe )(?<!\bhe )(?<!she )(?<!\bit )(?<!they )(?<!you )"
    r"(?<!that )(?<!who )(?:was|were)\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


class PassageJudge(Protocol):
    """What weighing needs of the evidence model."""

    def weigh(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Evidence]: ...


@dataclass(frozen=True, slots=True)
class Weighed:
    """A passage, its likeliest answer, the probability that it answers, and the log odds that it is ranked by.

    ``evidence`` is what the evidence model said, and ``stale`` whether the passage counts as superseded.
    """

    passage: Passage
    span: AnswerSpan | None
    confidence: float
    rank_score: float
    evidence: Evidence | None = None
    stale: bool = False


def whole_text(passage: Passage) -> str:
    """Return a passage's text below its document's name, title and headings."""
    place = heading_path(passage.document.title, passage.chunk.heading)
    return f"{passage.document.name}\n{place}\n{passage.chunk.text}"


def asks_for_old(question: str) -> bool:
    """Tell whether a question is about what was before: by its words, or by a year that is over."""
    now = datetime.now(UTC).year
    return bool(_ASKS_FOR_OLD.search(question.strip())) or any(
        int(year) < now for year in _YEAR.findall(without_bounds(question))
    )


def is_superseded(passage: Passage) -> bool:
    """Tell whether a passage's document says, in its name, title or headings, that it no longer holds."""
    place = heading_path(passage.document.title, passage.chunk.heading)
    return bool(SUPERSEDED.search(f"{passage.document.name} {place}"))


def weigh_passages(question: str, passages: Sequence[Passage], judge: PassageJudge) -> list[Weighed]:
    """Rank passages by whether they answer, whether they are relevant, and retrieval.

    What says that it is superseded falls behind. The passages come back with their new ranks, and their
    confidence as score.
    """
    places = [heading_path(p.document.title, p.chunk.heading) for p in passages]
    found = judge.weigh(question, [(place, p.chunk.text) for place, p in zip(places, passages, strict=True)])
    old = asks_for_old(question)
    weighed = []
    for passage, evidence in zip(passages, found, strict=True):
        sure = passage_confidence(evidence.probability, question, whole_text(passage))
        span = choose_span(question, passage, evidence)
        if span and not may_answer(question, passage, span):
            sure = 1 / (1 + math.exp(UNFIT_ODDS - log_odds(sure)))
        stale = not old and is_superseded(passage)
        odds = log_odds(sure) + log_odds(evidence.relevance) + RETRIEVAL_WEIGHT * passage.score - STALE_PENALTY * stale
        weighed.append(Weighed(passage, span, sure, odds, evidence, stale))
    weighed.sort(key=lambda w: -w.rank_score)
    return [
        replace(w, passage=replace(w.passage, rank=rank, score=w.confidence)) for rank, w in enumerate(weighed, start=1)
    ]
