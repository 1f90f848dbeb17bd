"""Which span of a passage answers a question, and how sure the assistant is that it does.

The evidence model judges meaning, and is weakest where a question differs from a passage in one name or number
("the per diem for Sweden" against a table that lacks Sweden). So what the question names and the passage lacks
counts against the passage, in log odds. The weights were chosen on the dev questions of the sample handbook.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag_app.answering.grounding import quote_around
from rag_app.answering.sentences import is_heading_line
from rag_app.answering.wording import (
    content_stems,
    coverage,
    fits_question,
    lacks_month,
    missing_names,
    missing_numbers,
)
from rag_app.models.evidence import AnswerSpan, Evidence
from rag_app.records import Passage

MISSING_NAME = 0.5
MISSING_NUMBER = 1.0
MISSING_MONTH = 2.0
"""Beside that of a name: what was measured in January says nothing of April."""
MOST_MISSING = 3
SHARED_WORDS = 8.0
OTHER_NAME = 8.0
"""For an amount of all or of another, where the passage has a sentence about the one that the question names."""
ASKS_AMOUNT = re.compile(
    r"\bhow (?:many|much|long|often|high|far)\b|\b(?:limit|rate|price|fee|cost|number)\b", re.IGNORECASE
)
ABOUT_ONE = re.compile(
    r"\b(?:in|at|for|on|of|from|with|under|by|the)\s+(?:the\s+)?"
    r"((?:[A-Z][\w'’-]*|\d[\w-]*)(?:\s+(?:[A-Z][\w'’-]*|\d[\w-]*))*)"
)
UNFIT = 12.0
UNFIT_ODDS = 3.0
MOST_ODDS = 5.0
YES_NO = re.compile(
    r"^(?:is|are|was|were|do|does|did|can|could|may|might|must|will|would|shall|should|has|have|had|am)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Belief:
    """Logistic regression from two opinions to the probability that an answer is right (Platt 1999).

    One is the evidence model's confidence in the best passage, the other the generator's reading: its probability
    that the sources are silent, how certain it was of its words, and how much its short answer and the evidence
    model's span are one.
    """

    evidence: float
    silence: float
    certainty: float
    agreement: float
    bias: float

    @staticmethod
    def features(*, evidence: float, silence: float, certainty: float, agreement: float) -> tuple[float, ...]:
        """Return what the weights are for, in their order."""
        return _bounded_odds(evidence), _bounded_odds(silence), certainty, agreement

    def confidence(self, signals: Mapping[str, float]) -> float:
        """Return the probability that the answer is right and the documents support it."""
        found = self.features(**signals)
        weights = (self.evidence, self.silence, self.certainty, self.agreement)
        return 1 / (1 + math.exp(-sum(w * f for w, f in zip(weights, found, strict=True)) - self.bias))

    def at_best(self, evidence: float) -> float:
        """Return the most that any reading could make of this evidence."""
        certainty, agreement = float(self.certainty > 0), float(self.agreement > 0)
        signals = {"evidence": evidence, "certainty": certainty, "agreement": agreement}
        return max(self.confidence(signals | {"silence": silence}) for silence in (0.0, 1.0))


def _bounded_odds(probability: float) -> float:
    """Return the log odds of a probability that a network may put at 0 or 1."""
    return max(min(log_odds(probability), MOST_ODDS), -MOST_ODDS)


def passage_confidence(probability: float, question: str, passage: str) -> float:
    """Return the probability that a passage answers, lowered for names and numbers of the question that it lacks.

    Args:
        probability: the evidence model's, calibrated.
        question: as asked, or made to stand alone.
        passage: its text with the document's name, title and headings.
    """
    if not 0 < probability < 1:
        return probability
    names = min(len(missing_names(question, passage)), MOST_MISSING)
    numbers = min(len(missing_numbers(question, passage)), MOST_MISSING)
    odds = log_odds(probability) - MISSING_NAME * names - MISSING_NUMBER * numbers
    if lacks_month(question, passage):
        odds -= MISSING_MONTH
    return 1 / (1 + math.exp(-odds))


def log_odds(probability: float) -> float:
    """Return log(p / (1 - p)), for p within a billionth of 0 and 1."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def choose_span(question: str, passage: Passage, evidence: Evidence) -> AnswerSpan | None:
    """Return the span whose sentence or table row shares most with the question, all else being equal.

    The evidence model often finds the right column and the wrong row: "the per diem for Norway" in the row of Italy.
    What cannot be an answer (a heading, another question, words of the question itself) is passed over.
    """
    return max(evidence.spans, key=lambda span: span_worth(question, passage, span), default=None)


def span_worth(question: str, passage: Passage, span: AnswerSpan) -> float:
    """Return the span's margin, with what its wording says for and against it."""
    sentence = quote_around(passage, (span.start, span.end)).text
    place = f"{passage.chunk.heading or ''} {sentence}"
    worth = span.margin + SHARED_WORDS * coverage(question, place)
    worth -= MISSING_NUMBER * len(missing_numbers(question, place))
    worth -= OTHER_NAME * is_of_another(question, passage, span)
    if not may_answer(question, passage, span):
        worth -= UNFIT
    return worth


def is_of_another(question: str, passage: Passage, span: AnswerSpan) -> bool:
    """Tell whether a question asks for an amount of one by name, and another sentence than the span's has that name.

    "How many days in Oslo?" is not answered by a rule for everybody, where the next sentence is about Oslo.
    """
    if not ASKS_AMOUNT.search(question):
        return False
    sentence = quote_around(passage, (span.start, span.end)).text
    place = f"{passage.document.title} {passage.chunk.heading or ''} {sentence}"
    named = " ".join(name for name in ABOUT_ONE.findall(question) if not content_stems(name) <= content_stems(place))
    return bool(named) and bool(content_stems(named) & content_stems(passage.chunk.text) - content_stems(place))


def may_answer(question: str, passage: Passage, span: AnswerSpan) -> bool:
    """Tell whether a span can be an answer at all, by its form."""
    window = quote_around(passage, (span.start, span.end))
    heading = (passage.chunk.heading or passage.document.title).split(" > ")[-1]
    if window.text.endswith("?") or window.text.strip() == heading.strip():
        return False
    low = window.start - passage.chunk.start
    if is_heading_line(passage.chunk.text, low, low + len(window.text)):
        return False
    return bool(YES_NO.match(question)) or fits_question(passage.chunk.text[span.start : span.end], question)
