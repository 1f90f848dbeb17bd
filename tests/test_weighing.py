"""Passages are ranked by what they answer, what they are about and how well they were found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag_app.answering.weighing import weigh_passages
from rag_app.models.evidence import AnswerSpan, Evidence
from rag_app.records import Passage
from tests.fakes import make_passages

QUESTION = "How many days may be carried over?"


@dataclass(frozen=True)
class Worth:
    """What a judge is to think of a text: the probabilities that it answers and that it is relevant."""

    answers: float = 0.5
    relevance: float = 0.5


class ScriptedJudge:
    """Thinks of each text what it was told."""

    def __init__(self, **worths: Worth) -> None:
        self.worths = worths

    def weigh(self, question: str, passages: Sequence[tuple[str, str]]) -> list[Evidence]:
        found = []
        for _, text in passages:
            worth = self.worths[text.split()[0].lower()]
            spans = (AnswerSpan(0, len(text), 0.0),)
            found.append(Evidence(worth.answers, spans, 0.0, 0.0, relevance=worth.relevance))
        return found


def passages(*texts: str, scores: Sequence[float] = (0.5, 0.5), title: str = "Leave") -> list[Passage]:
    made = make_passages(*texts, title=title)
    return [replace(p, score=score) for p, score in zip(made, scores, strict=True)]


def order(found: Sequence[Passage], judge: ScriptedJudge) -> list[str]:
    return [w.passage.chunk.text.split()[0].lower() for w in weigh_passages(QUESTION, found, judge)]


def test_the_passage_that_answers_comes_first() -> None:
    judge = ScriptedJudge(ten=Worth(answers=0.2), five=Worth(answers=0.8))
    assert order(passages("Ten days.", "Five days."), judge) == ["five", "ten"]


def test_of_passages_that_answer_alike_the_more_relevant_comes_first() -> None:
    judge = ScriptedJudge(ten=Worth(relevance=0.2), five=Worth(relevance=0.8))
    assert order(passages("Ten days.", "Five days."), judge) == ["five", "ten"]


def test_of_passages_of_like_evidence_the_better_found_comes_first() -> None:
    judge = ScriptedJudge(ten=Worth(), five=Worth())
    assert order(passages("Ten days.", "Five days.", scores=(0.5, 0.6)), judge) == ["five", "ten"]


def test_strong_evidence_outweighs_a_slightly_better_find() -> None:
    judge = ScriptedJudge(ten=Worth(answers=0.1, relevance=0.1), five=Worth(answers=0.9, relevance=0.9))
    assert order(passages("Ten days.", "Five days.", scores=(0.55, 0.5)), judge) == ["five", "ten"]


def test_a_far_better_find_outweighs_slightly_stronger_evidence() -> None:
    judge = ScriptedJudge(ten=Worth(answers=0.5), five=Worth(answers=0.6))
    assert order(passages("Ten days.", "Five days.", scores=(0.9, 0.3)), judge) == ["ten", "five"]


def test_passages_are_numbered_anew_and_scored_by_their_confidence() -> None:
    judge = ScriptedJudge(ten=Worth(answers=0.2), five=Worth(answers=0.8))
    weighed = weigh_passages(QUESTION, passages("Ten days.", "Five days."), judge)
    assert [w.passage.rank for w in weighed] == [1, 2]
    assert [w.passage.score for w in weighed] == [w.confidence for w in weighed]
    assert weighed[0].confidence > weighed[1].confidence


def test_relevance_alone_does_not_raise_the_confidence() -> None:
    sure = [
        weigh_passages(QUESTION, passages("Ten days.", scores=(0.5,)), ScriptedJudge(ten=Worth(0.5, relevance)))[0]
        for relevance in (0.01, 0.99)
    ]
    assert sure[0].confidence == sure[1].confidence
