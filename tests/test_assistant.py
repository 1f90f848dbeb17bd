"""The assistant answers with checked, cited sentences, quotes, or abstains; it never shows what was not checked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.reply import ABSTENTION, EMPTY, Stage
from rag_app.answering.writing import holds_answer
from rag_app.errors import ModelError, QuestionError
from rag_app.models.streaming import Progress, Writing
from rag_app.records import Answer, Message, Sentence
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages

TEXTS = (
    "Employees have 25 days of annual leave. Up to 10 days of leave may be carried over to the next year.",
    "The canteen opens at 11:30 and closes at 14:00. Dogs are not allowed in the canteen.",
)
CARRY = "How many days of leave may be carried over?"


def make_assistant(*lines: str, texts: Sequence[str] = TEXTS, limits: Limits | None = None) -> Assistant:
    return Assistant(
        ListLibrary(make_passages(*texts)),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=ScriptedGenerator(*lines),
        limits=limits or Limits(threshold=0.9),
    )


def ask(question: str, *lines: str, history: Sequence[Message] = ()) -> Answer:
    return make_assistant(*lines).ask(question, history=history).answer


def test_a_supported_sentence_is_shown_with_the_span_that_bears_it() -> None:
    answer = ask(CARRY, "Up to 10 days of leave may be carried over to next year.")
    assert [s.status for s in answer.sentences] == ["supported"]
    assert answer.text.endswith("[1]")
    assert answer.citations[0].quote == "Up to 10 days of leave may be carried over to the next year."
    whole = "\n\n".join(TEXTS)
    assert whole[answer.citations[0].start : answer.citations[0].end] == answer.citations[0].quote


def test_an_invented_sentence_gives_way_to_a_quote() -> None:
    answer = ask(CARRY, "You may carry over 99 days of leave.")
    assert [s.status for s in answer.sentences] == ["quoted"]
    assert answer.sentences[0].text == "Up to 10 days of leave may be carried over to the next year."
    assert "99" not in answer.text


def test_a_true_sentence_that_does_not_answer_gives_way_to_a_quote() -> None:
    answer = ask(CARRY, "The canteen opens at 11:30.")
    assert [s.status for s in answer.sentences] == ["quoted"]
    assert "canteen" not in answer.text


def test_marks_that_the_model_writes_are_not_trusted() -> None:
    answer = ask(CARRY, "Up to 10 days of leave may be carried over [7].")
    assert "[7]" not in answer.text
    assert answer.sentences[0].citations == (1,)


def test_a_yes_or_no_of_the_model_is_not_trusted() -> None:
    answer = ask("Are dogs allowed in the canteen?", "Yes, dogs are allowed in the canteen.")
    assert answer.text == "Dogs are not allowed in the canteen. [1]"


def test_weak_evidence_is_answered_by_abstaining_and_shows_what_came_closest() -> None:
    answer = ask("What is the wifi password?", "The wifi password is 123456.")
    assert answer.abstained
    assert answer.text == ABSTENTION
    assert answer.citations == ()
    assert answer.short_answer is None
    assert len(answer.passages) == 2


def test_an_empty_library_is_said_to_be_empty() -> None:
    answer = make_assistant("Anything.", texts=()).ask("What is the wifi password?").answer
    assert answer.abstained
    assert answer.text == EMPTY


def test_a_repeating_model_is_cut_off() -> None:
    said = "Up to 10 days of leave may be carried over. " * 20
    assert len(ask(CARRY, said).sentences) == 1


def test_a_sentence_that_was_cut_off_is_not_shown() -> None:
    answer = ask(CARRY, "Up to 10 days of leave may be carried over. Up to 10 days of leave may be carried over to")
    assert [s.text for s in answer.sentences] == ["Up to 10 days of leave may be carried over."]
    assert [s.status for s in ask(CARRY, "Up to 10 days of leave may be carried over to").sentences] == ["quoted"]


def test_a_no_that_carries_the_meaning_is_kept() -> None:
    texts = ("No dogs are allowed in the canteen.", "Dogs are welcome in the garden.")
    assistant = make_assistant("No dogs are allowed in the canteen.", texts=texts)
    answer = assistant.ask("Which dogs are allowed in the canteen?").answer
    assert answer.text == "No dogs are allowed in the canteen. [1]"
    assert answer.sentences[0].status == "supported"


def test_a_reply_that_was_left_early_goes_on_where_it_was_left() -> None:
    reply = make_assistant("Up to 10 days of leave may be carried over.").ask(CARRY)
    assert next(iter(reply)) == Stage("retrieving")
    assert not reply.answer.abstained
    assert reply.answer.timings_ms["total"] > 0


class BreakingGenerator(ScriptedGenerator):
    """Says its line and then fails."""

    def stream(self, *arguments: Any, **options: Any) -> Writing:
        return Writing(self._break(super().stream(*arguments, **options)), Progress(prompt_tokens=1))

    def _break(self, said: Writing) -> Iterator[str]:
        yield from said
        raise ModelError("The device is gone.")


def test_a_reply_that_failed_is_neither_an_answer_nor_an_abstention() -> None:
    assistant = Assistant(
        ListLibrary(make_passages(*TEXTS)), FakeEmbedder(), evidence=WordEvidence(), generator=BreakingGenerator("Up")
    )
    reply = assistant.ask(CARRY)
    with pytest.raises(ModelError, match="device is gone"):
        list(reply)
    with pytest.raises(RuntimeError, match="ended by an error"):
        _ = reply.answer


def test_usage_counts_tokens_and_the_first_is_timed_from_the_question() -> None:
    said = "Up to 10 days of leave may be carried over to next year."
    answer = ask(CARRY, said)
    assert answer.usage["completion_tokens"] == len(said.split())
    timings = answer.timings_ms
    assert 0 < timings["retrieve"] + timings["evidence"] < timings["first_token"] < timings["total"]


def test_sentences_are_given_out_as_soon_as_they_stand() -> None:
    reply = make_assistant("Up to 10 days of leave may be carried over.").ask(CARRY)
    events = list(reply)
    assert [e.name for e in events if isinstance(e, Stage)] == ["retrieving", "weighing", "writing", "checking"]
    shown = [e for e in events if isinstance(e, Sentence)]
    assert tuple(shown) == reply.answer.sentences
    assert [c.number for c in reply.citations] == [1]


def test_a_follow_up_is_searched_with_what_it_leans_on() -> None:
    history = [Message("user", "How many days of annual leave do employees have?"), Message("assistant", "25 days.")]
    answer = ask("Can it be carried over?", history=history)
    assert answer.standalone_question == "How many days of annual leave do employees have? Can it be carried over?"


def test_a_superseded_document_comes_after_the_one_in_force() -> None:
    old = make_passages("Up to 5 days of leave may be carried over.", title="Leave policy 2019 (superseded)")
    new = make_passages("Up to 10 days of leave may be carried over.", title="Leave policy")
    library = ListLibrary([old[0], replace(new[0], chunk=replace(new[0].chunk, id=2))])
    assistant = Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=None)
    assert "10 days" in assistant.ask(CARRY).answer.text


@pytest.mark.parametrize("question", ["", "   \n"])
def test_an_empty_question_is_refused_with_a_remedy(question: str) -> None:
    with pytest.raises(QuestionError, match="Ask in a sentence"):
        make_assistant().ask(question)


def test_a_question_of_100_000_characters_is_refused_and_named() -> None:
    with pytest.raises(QuestionError, match="100,000 characters; at most 4,000"):
        make_assistant().ask("x" * 100_000)


def test_an_answer_is_held_by_a_sentence_with_its_numbers_and_words() -> None:
    assert holds_answer("You may keep ten days of leave.", "10 days")
    assert not holds_answer("You may keep 12 days of leave.", "10 days")
    assert not holds_answer("The canteen opens at noon.", "Anna Berg")
