"""Answers that were judged, as rows of an evaluation file: ``rag-app eval FILE --mode given`` reads them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rag_app.records import Answer, Passage
from rag_app.records.feedback import Feedback

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class JudgedTurn:
    """A question, its answer and what was thought of it."""

    feedback: Feedback
    question: str
    conversation_id: str
    answer: Answer

    def to_json(self) -> dict[str, Any]:
        """Return the form that ``feedback list --json`` prints."""
        return self.feedback.to_json() | {
            "question": self.question,
            "conversation_id": self.conversation_id,
            "answer": self.answer.text,
            "abstained": self.answer.abstained,
            "confidence": round(self.answer.confidence, 4),
        }


def evaluation_rows(judged: Iterable[JudgedTurn]) -> list[dict[str, Any]]:
    """Return a row for each verdict that says what would have been right; the others say too little for one.

    An answer that helped is right, with the passages that it cites. A correction is right instead of the answer, and
    an answer that should have been silence has none: both with all passages that the answer drew on. So has silence
    that helped.
    """
    rows = [_row(turn) for turn in judged]
    return [row for row in rows if row is not None]


def _row(turn: JudgedTurn) -> dict[str, Any] | None:
    answer, feedback = turn.answer, turn.feedback
    passages: Sequence[Passage] = answer.passages
    right: list[str] = []
    if feedback.correction:
        right = [feedback.correction]
    elif feedback.helpful and not answer.abstained:
        passages = _cited(answer)
        right = [_said(answer)]
    elif not feedback.helpful and feedback.reason != "should_be_silent":
        return None
    # Without its passages, of documents that have since been removed, a question has no answer to be found.
    if right and not (passages and right[0]):
        return None
    row: dict[str, Any] = {
        "id": f"feedback-{feedback.turn_id}",
        "question": answer.standalone_question.strip() or turn.question,
        "passages": [{"title": _title(passage), "text": passage.chunk.text} for passage in passages],
        "answers": right,
        "answerable": bool(right),
        "helpful": feedback.helpful,
        "reason": feedback.reason,
        "given_at": feedback.given_at.isoformat(),
    }
    gold = _gold(answer, right, passages)
    return row | ({"gold_passages": gold} if gold else {})


def _said(answer: Answer) -> str:
    """Return the short answer, or what was said where there is none; nothing where its document was removed."""
    if answer.short_answer:
        return answer.short_answer
    return " ".join(s.text for s in answer.sentences if s.citations)


def _cited(answer: Answer) -> list[Passage]:
    """Return the passages in which the citations of an answer stand."""
    spans = [(c.document.id, c.start, c.end) for c in answer.citations]
    return [
        passage
        for passage in answer.passages
        if any(
            document == passage.document.id and start < passage.chunk.end and end > passage.chunk.start
            for document, start, end in spans
        )
    ]


def _gold(answer: Answer, right: Sequence[str], passages: Sequence[Passage]) -> list[int]:
    """Return which passages hold the right answer, or else are cited; none where that is not known."""
    holding = [n for n, p in enumerate(passages) if any(_plain(text) in _plain(p.chunk.text) for text in right)]
    cited = [passage.chunk.id for passage in _cited(answer)]
    return holding or [n for n, passage in enumerate(passages) if right and passage.chunk.id in cited]


def _title(passage: Passage) -> str:
    return passage.document.title or passage.document.name


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()
