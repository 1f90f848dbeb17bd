"""Every question of the sample handbook, asked of the real models: exact quotes always, and figures above a floor.

The floors catch a regression; ``rag-app eval`` prints the figures themselves. Models and questions are fixed, so that
chance has no part in them but for the last bit of a sum.
"""

from functools import lru_cache
from pathlib import Path

import pytest

from rag_app.answering.assistant import Assistant
from rag_app.assembly import Application, limits_of
from rag_app.evaluation.datasets import read_questions
from rag_app.evaluation.evaluate import Run, run_questions
from rag_app.evaluation.figures import report
from rag_app.evaluation.independent import count_unsupported
from rag_app.records import Answer
from rag_app.workshop import EvaluationWorkshop, our_system

QUESTIONS = read_questions(Path(__file__).parents[1] / "data" / "questions.jsonl")


@pytest.fixture(scope="module")
def answers(handbook: Application) -> list[Answer]:
    """An answer to every question over the whole handbook; every third is written by the language model."""
    quoting = Assistant(
        handbook.library,
        handbook.embedder,
        evidence=handbook.evidence,
        generator=None,
        limits=limits_of(handbook.settings),
    )
    return [
        (handbook.assistant if place % 3 == 0 else quoting).ask(question.question).answer
        for place, question in enumerate(QUESTIONS)
    ]


def test_every_quote_is_exactly_the_span_of_its_document(handbook: Application, answers: list[Answer]) -> None:
    text_of = lru_cache(maxsize=None)(handbook.library.text)
    citations = [c for answer in answers for c in answer.citations]
    assert len(citations) > 50
    for citation in citations:
        assert text_of(citation.document.id)[citation.start : citation.end] == citation.quote
        assert citation.quote.strip() == citation.quote != ""


def test_every_passage_is_exactly_the_span_of_its_document(handbook: Application, answers: list[Answer]) -> None:
    text_of = lru_cache(maxsize=None)(handbook.library.text)
    for answer in answers:
        for passage in answer.passages:
            assert text_of(passage.document.id)[passage.chunk.start : passage.chunk.end] == passage.chunk.text


def test_no_sentence_is_shown_without_a_citation(answers: list[Answer]) -> None:
    for answer in answers:
        numbers = {c.number for c in answer.citations}
        assert answer.abstained == (not answer.sentences)
        for sentence in answer.sentences:
            assert sentence.status in {"supported", "quoted"}
            assert sentence.citations
            assert set(sentence.citations) <= numbers


def test_the_figures_stay_above_their_floors(handbook: Application) -> None:
    run = Run("open", EvaluationWorkshop(handbook), handbook.embedder)
    result = report("questions.jsonl", "open", run_questions(QUESTIONS, [our_system(handbook)], run), seed=0)
    assert result["answerable"]["recall_at_5"] >= 0.97
    assert result["answerable"]["citation_precision"] >= 0.90
    assert result["answerable"]["contains"] >= 0.55
    assert result["unanswerable"]["abstained"] >= 0.80


def test_what_the_language_model_wrote_passes_the_independent_check(
    handbook: Application, answers: list[Answer]
) -> None:
    written = [a for a in answers if any(s.status == "supported" for s in a.sentences)]
    assert written
    failed, shown = (sum(n) for n in zip(*(count_unsupported(a, handbook.embedder) for a in written), strict=True))
    assert failed <= 0.02 * shown


def test_given_passages_are_cut_without_losing_their_offsets(handbook: Application) -> None:
    texts = [("A title", "One sentence. " * 300), ("Short", "Nothing more.")]
    passages = EvaluationWorkshop(handbook).cut(texts)
    assert len(passages) > 3
    for passage in passages:
        title, text = texts[int(passage.document.name)]
        assert passage.document.title == title
        assert text[passage.chunk.start : passage.chunk.end] == passage.chunk.text
