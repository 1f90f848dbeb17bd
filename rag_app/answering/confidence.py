"""How sure the assistant is that a passage answers a question.

The evidence model judges meaning, and is weakest where a question differs from a passage in one name or number
("the per diem for Sweden" against a table that lacks Sweden). So what the question names and the passage lacks
counts against the passage, in log odds. The weights were fitted on held-out training articles.
"""

import math

from rag_app.answering.wording import missing_names, missing_numbers

MISSING_NAME = 1.0
MISSING_NUMBER = 1.5
MOST_MISSING = 3


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
    odds = math.log(probability / (1 - probability)) - MISSING_NAME * names - MISSING_NUMBER * numbers
    return 1 / (1 + math.exp(-odds))
