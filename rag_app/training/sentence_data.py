"""Full sentences to teach the generator, where the data has only short answers.

A sentence is composed in one of three ways, the first that passes the checks: as a language model wrote it from the
question, the short answer and the sentence of the passage that holds it; by a rule, for questions such as "What is
the capital of Norway?"; or it is the passage's sentence itself. The checks are literal, like those of answering: what
is taught must be what would be shown.
"""

import re

from rag_app.answering.sentences import split_sentences
from rag_app.answering.wording import (
    content_stems,
    coverage,
    invented_words,
    missing_names,
    negation_agrees,
    numbers_agree,
)

MOST_WORDS = 45
MOST_QUOTED_WORDS = 70
LEAST_COVERAGE = 0.85
LEAST_ASKED = 0.4
ABOUT_ITSELF = re.compile(r"\b(?:the (?:short )?answer|the question|the text|the passage|the warden)\b", re.IGNORECASE)
WHAT_IS = re.compile(r"^(?:what|who|which)\s+(is|are|was|were)\s+((?:the|an?)\s+[^,;]+?)\s*\?$", re.IGNORECASE)
LEFT_OPEN = re.compile(
    r"\b(?:when|where|what|which|who|that|by|of|in|to|for|from|with|called|named|known as)$", re.IGNORECASE
)


def compose_sentence(question: str, answer: str, evidence: str, written: str | None) -> str | None:
    """Return a full sentence that answers, or None where even the passage's own is too long.

    Args:
        question: as asked.
        answer: the short answer, as it stands in ``evidence``.
        evidence: the sentence of the passage that holds it.
        written: what a language model made of the three, if one did.
    """
    candidates = [written.strip() if written else "", state_by_rule(question, answer) or ""]
    for candidate in candidates:
        if candidate and is_fit(candidate, question, answer, evidence):
            return candidate[:1].upper() + candidate[1:]
    quoted = " ".join(evidence.split())
    return quoted if len(quoted.split()) <= MOST_QUOTED_WORDS else None


def state_by_rule(question: str, answer: str) -> str | None:
    """Return "The capital of Norway is Oslo." for "What is the capital of Norway?" and "Oslo", else None.

    ``evidence_statements.state`` turns three times as many questions, but one in four of its statements is clumsy:
    good enough to be judged, not to be imitated.
    """
    found = WHAT_IS.match(" ".join(question.split()))
    if not found or LEFT_OPEN.search(found[2]):
        return None
    return f"{found[2][:1].upper()}{found[2][1:]} {found[1].lower()} {answer.strip().rstrip('.')}."


def is_fit(sentence: str, question: str, answer: str, evidence: str) -> bool:
    """Tell whether a sentence says the answer to the question, and nothing that the evidence does not say."""
    words = sentence.split()
    if not 4 <= len(words) <= MOST_WORDS or sentence[-1] not in ".!" or len(split_sentences(sentence)) != 1:
        return False
    if ABOUT_ITSELF.search(sentence) or " ".join(answer.casefold().split()) not in " ".join(
        sentence.casefold().split()
    ):
        return False
    known = f"{evidence}\n{question}"
    asked = content_stems(question)
    return (
        coverage(sentence, known) >= LEAST_COVERAGE
        and not invented_words(sentence, known)
        and numbers_agree(sentence, known)
        and not missing_names(sentence, known, question=question)
        and negation_agrees(sentence, evidence)
        and len(asked & content_stems(sentence)) >= LEAST_ASKED * len(asked)
    )


def sentence_with(text: str, span: tuple[int, int]) -> str:
    """Return the sentences of a text that hold a span, as one."""
    touched = [(low, high) for low, high in split_sentences(text) if low < span[1] and high > span[0]]
    return text[touched[0][0] : touched[-1][1]] if touched else text[span[0] : span[1]]
