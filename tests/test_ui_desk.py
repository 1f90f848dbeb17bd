"""Answers are written one after the other, watched or not, and end where they are stopped."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from rag_app.answering.assistant import Assistant
from rag_app.library import Library
from rag_app.records import Scope
from tests.libraries import new_document, open_library, store
from tests.test_library_conversations import SECRET, answer_from
from tests.test_library_writers import begin_elsewhere
from ui.desk import Desk, Job
from ui.elsewhere import AnsweredElsewhere

PATIENCE_SECONDS = 60


class SlowReply:
    """Says one sentence, and goes on when it is told to."""

    def __init__(self, answer: Any, go: threading.Event) -> None:
        self.answer = self.so_far = answer
        self.citations = list(answer.citations)
        self._go = go
        self.stopped = threading.Event()

    def stop(self) -> None:
        self.stopped.set()

    def __iter__(self) -> Iterator[Any]:
        yield self.answer.sentences[0]
        assert self._go.wait(PATIENCE_SECONDS)


class SlowAssistant:
    """Answers everything with the same answer, or with an error."""

    def __init__(self, answer: Any, go: threading.Event) -> None:
        self.answer, self.go = answer, go
        self.asked: list[str] = []
        self.replies: list[SlowReply] = []

    def ask(self, question: str, **_: Any) -> SlowReply:
        self.asked.append(question)
        if question == "Break!":
            raise KeyError(question)
        self.replies.append(SlowReply(self.answer, self.go))
        return self.replies[-1]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return open_library(tmp_path)


@pytest.fixture
def assistant(library: Library) -> SlowAssistant:
    return SlowAssistant(answer_from(library, store(library, new_document("owl.md", SECRET))), threading.Event())


def job_for(library: Library, assistant: SlowAssistant, question: str) -> Job:
    turn = library.conversations.begin(question)
    return Job(cast(Assistant, assistant), library.conversations, turn, history=(), scope=Scope())


def wait_for(job: Job, *, first_sentence: bool = False) -> None:
    """Wait for the end of a job, or until its first sentence is kept: the second news, after that it began."""
    while not job.ended and not (first_sentence and job.news >= 2):
        seen = job.news
        assert job.ended or job.wait(seen, seconds=PATIENCE_SECONDS) != seen


def kept(library: Library, job: Job) -> tuple[str, bool]:
    turns = [
        t for c in library.conversations.recent() for t in library.conversations.turns(c.id) if t.id == job.turn_id
    ]
    return turns[0].state, turns[0].answer is not None


def test_an_answer_is_kept_sentence_by_sentence_and_when_it_is_whole(
    library: Library, assistant: SlowAssistant
) -> None:
    desk, job = Desk(), job_for(library, assistant, "Where?")
    desk.write(job)
    wait_for(job, first_sentence=True)
    assert kept(library, job) == ("asked", True)
    assert job.citations == assistant.answer.citations
    assert list(desk.jobs()) == [job.turn_id]
    assistant.go.set()
    wait_for(job)
    assert kept(library, job) == ("answered", True)


def test_jobs_wait_for_those_before_them(library: Library, assistant: SlowAssistant) -> None:
    desk, jobs = Desk(), [job_for(library, assistant, f"{n}?") for n in range(3)]
    for job in jobs:
        desk.write(job)
    assert [desk.ahead(job) for job in jobs] == [0, 1, 2]
    desk.stop(jobs[1])
    assert desk.ahead(jobs[2]) == 1
    assistant.go.set()
    wait_for(jobs[2])
    assert assistant.asked == ["0?", "2?"]
    assert [kept(library, job)[0] for job in jobs] == ["answered", "stopped", "answered"]


def test_an_answer_that_is_stopped_keeps_what_was_checked_and_gets_no_more(
    library: Library, assistant: SlowAssistant
) -> None:
    desk, job, following = Desk(), job_for(library, assistant, "Where?"), job_for(library, assistant, "Next?")
    desk.write(job)
    desk.write(following)
    wait_for(job, first_sentence=True)
    desk.stop(job)
    desk.stop(job)
    assert kept(library, job) == ("stopped", True)
    assert assistant.replies[0].stopped.is_set()
    assistant.go.set()
    wait_for(following)
    assert kept(library, job) == ("stopped", True)


def test_an_error_ends_a_job_in_words_and_the_next_one_is_done(library: Library, assistant: SlowAssistant) -> None:
    desk, broken, following = Desk(), job_for(library, assistant, "Break!"), job_for(library, assistant, "Next?")
    assistant.go.set()
    desk.write(broken)
    desk.write(following)
    wait_for(following)
    assert "Something went wrong" in broken.error
    assert [kept(library, job)[0] for job in (broken, following)] == ["failed", "answered"]


def test_a_job_whose_conversation_was_deleted_ends_quietly(library: Library, assistant: SlowAssistant) -> None:
    desk, job = Desk(), job_for(library, assistant, "Where?")
    desk.write(job)
    wait_for(job, first_sentence=True)
    library.conversations.remove(library.conversations.recent()[0].id)
    assistant.go.set()
    wait_for(job)
    assert job.error == ""


def test_a_question_that_nobody_waits_for_any_more_is_not_answered_to_its_end(
    library: Library, assistant: SlowAssistant
) -> None:
    desk, job = Desk(), job_for(library, assistant, "Where?")
    library.conversations.remove(library.conversations.recent()[0].id)
    desk.write(job)
    wait_for(job)
    assert assistant.replies[0].stopped.is_set()
    assert (job.error, job.sentences) == ("", (assistant.answer.sentences[0],))


def test_an_answer_that_another_process_writes_is_followed_to_its_end(
    library: Library, assistant: SlowAssistant, tmp_path: Path
) -> None:
    process, turn_id = begin_elsewhere(tmp_path)
    growing = AnsweredElsewhere(library.conversations, library.conversations.turn(turn_id))
    assert (growing.news, growing.sentences, growing.ended) == (1, assistant.answer.sentences, False)
    assert growing.wait(0, seconds=PATIENCE_SECONDS) == 1
    assert growing.wait(1, seconds=0) == 1
    assert not growing.ended
    process.communicate("go on\n", timeout=PATIENCE_SECONDS)
    growing.wait(1, seconds=0)
    assert growing.ended


def test_an_answer_that_another_process_writes_can_be_stopped_and_ends_with_it_or_with_its_conversation(
    library: Library, assistant: SlowAssistant, tmp_path: Path
) -> None:
    kept = library.conversations
    (stopped_at, first), (killed, second), (deleted, third) = (begin_elsewhere(tmp_path) for _ in range(3))
    all_growing = [AnsweredElsewhere(kept, kept.turn(turn_id)) for turn_id in (first, second, third)]
    all_growing[0].stop()
    killed.kill()
    killed.communicate(timeout=PATIENCE_SECONDS)
    kept.remove(kept.turn(third).conversation_id)
    for growing in all_growing:
        growing.wait(growing.news, seconds=0)
        assert growing.ended
    assert [kept.turn(turn_id).state for turn_id in (first, second)] == ["stopped", "stopped"]
    for process in (stopped_at, deleted):
        assert process.communicate("go on\n", timeout=PATIENCE_SECONDS)[0].strip() == "False"
