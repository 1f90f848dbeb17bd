"""Which span of a passage answers a question, and how sure the assistant is that it does.

The evidence model judges meaning, and is weakest where a question differs from a passage in one name or number
("the per diem for Sweden" against a table that lacks Sweden). So what the question names and the passage lacks
counts against the passage, in log odds. The weights were chosen on the dev questions of the sample handbook.
"""

import math

from rag_app.answering.grounding import quote_around
from rag_app.answering.wording import coverage, missing_names, missing_numbers
from rag_app.models.evidence import AnswerSpan, Evidence
from rag_app.records import Passage

MISSING_NAME = 0.5
MISSING_NUMBER = 1.0
MOST_MISSING = 3
SHARED_WORDS = 8.0


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
    return 1 / (1 + math.exp(-odds))


def log_odds(probability: float) -> float:
    """Return log(p / (1 - p)), for p within a billionth of 0 and 1."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(kept / (1 - kept))


def choose_span(question: str, passage: Passage, evidence: Evidence) -> AnswerSpan | None:
    """Return the span whose sentence or table row shares most with the question, all else being equal.

    The evidence model often finds the right column and the wrong row: "the per diem for Norway" in the row of Italy.
    """

    def worth(span: AnswerSpan) -> float:
        place = f"{passage.chunk.heading or ''} {quote_around(passage, (span.start, span.end)).text}"
        numbers = len(missing_numbers(question, place))
        return span.margin + SHARED_WORDS * coverage(question, place) - MISSING_NUMBER * numbers

    return max(evidence.spans, key=worth, default=None)
