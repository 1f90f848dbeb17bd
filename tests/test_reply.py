"""A reply gives its stages and sentences as they come, and then one whole answer or none."""

from collections.abc import Iterator
from typing import Any

import pytest

from rag_app.answering.assistant import Assistant
from rag_app.answering.reply import Stage
from rag_app.errors import ModelError
from rag_app.models.streaming import Progress, Writing
from rag_app.records import Message, Sentence
from tests.assistants import CARRY, TEXTS, ask, make_assistant
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages


class BreakingGenerator(ScriptedGenerator):
    """Says its line and then fails."""

    def stream(self, *arguments: Any, **options: Any) -> Writing:
        return Writing(self._break(super().stream(*arguments, **options)), Progress(prompt_tokens=1))

    def _break(self, said: Writing) -> Iterator[str]:
        yield from said
        raise ModelError("The device is gone.")


def test_a_reply_that_was_left_early_goes_on_where_it_was_left() -> None:
    reply = make_assistant("Up to 10 days of leave may be carried over.").ask(CARRY)
    assert next(iter(reply)) == Stage("retrieving")
    assert not reply.answer.abstained
    assert reply.answer.timings_ms["total"] > 0


def test_a_reply_that_failed_is_neither_an_answer_nor_an_abstention() -> None:
    assistant = Assistant(
        ListLibrary(make_passages(*TEXTS)), FakeEmbedder(), evidence=WordEvidence(), generator=BreakingGenerator("Up")
    )
    reply = assistant.ask(CARRY)
    with pytest.raises(ModelError, match="device is gone"):
        list(reply)
    with pytest.raises(RuntimeError, match="an error"):
        _ = reply.answer


class WatchedGenerator(ScriptedGenerator):
    """Notes how often it was asked to go on."""

    steps = 0

    def _say(self, line: str, progress: Progress, stop: Any) -> Iterator[str]:
        for piece in super()._say(line, progress, stop):
            self.steps += 1
            yield piece


def test_a_reply_that_is_stopped_lets_the_model_rest_and_has_no_answer() -> None:
    generator = WatchedGenerator("Up to 10 days of leave may be carried over to the next year. " * 3)
    assistant = Assistant(
        ListLibrary(make_passages(*TEXTS)), FakeEmbedder(), evidence=WordEvidence(), generator=generator
    )
    reply = assistant.ask(CARRY)
    for event in reply:
        if isinstance(event, Sentence) or event.name == "writing":
            reply.stop()
    assert generator.steps == 0
    with pytest.raises(RuntimeError, match="stopped"):
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


def test_a_follow_up_is_understood_before_it_is_searched_for() -> None:
    history = [Message("user", "How many days of leave do employees have?"), Message("assistant", "25 days.")]
    assert next(iter(make_assistant().ask(CARRY, history=history))) == Stage("understanding")


def test_a_greeting_has_no_stages() -> None:
    assert list(make_assistant().ask("Hello!")) == []
