"""Where answers are written: one after the other, in a thread of its own, whether or not anybody is watching.

A page only follows a job. When it is closed or loaded anew the job goes on, and the page finds it again.
"""

import itertools
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import streamlit as st

from rag_app.records import Answer, Citation, KeptTurn, Message, Scope, Sentence, TurnState
from ui.guard import told_in_words

if TYPE_CHECKING:
    from rag_app.answering.assistant import Assistant
    from rag_app.answering.reply import Reply
    from rag_app.library.conversations import Conversations

_log = logging.getLogger(__name__)


class Growing(Protocol):
    """An answer in the making, wherever it is made.

    ``citations`` are those of the sentences so far. ``so_far`` is what is kept of it, without unsupported sentences.
    """

    turn_id: int
    stage: str
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    so_far: Answer | None
    error: str
    ended: bool

    def wait(self, seen: int, *, seconds: float) -> int:
        """Wait for news beyond those seen, at most so long; return how much there is."""
        ...

    def stop(self) -> None:
        """End it here."""
        ...


class Job:
    """An answer in the making. ``news`` counts what has happened to it."""

    def __init__(
        self,
        assistant: "Assistant",
        conversations: "Conversations",
        turn: KeptTurn,
        *,
        history: Sequence[Message],
        scope: Scope,
    ) -> None:
        self.turn_id = turn.id
        self.stage = "waiting"
        self.sentences: tuple[Sentence, ...] = ()
        self.citations: tuple[Citation, ...] = ()
        self.so_far: Answer | None = None
        self.error = ""
        self.ended = False
        self.news = 0
        self._question, self._history, self._scope = turn.question, history, scope
        self._assistant, self._conversations = assistant, conversations
        self._reply: Reply | None = None
        self._changed = threading.Condition()

    def wait(self, seen: int, *, seconds: float) -> int:
        """Wait for news beyond those seen, at most so long; return how much there is."""
        with self._changed:
            self._changed.wait_for(lambda: self.news != seen or self.ended, timeout=seconds)
            return self.news

    def run(self) -> None:
        """Write the answer, and keep it in the database as it grows."""
        if self.ended:
            return
        with told_in_words(self._fail):
            self._work()
        if self.error and not self.ended:
            with told_in_words(self._fail):
                self._keep(self.so_far, "failed")
        self._end()

    def stop(self) -> None:
        """End the answer here, with what has been checked."""
        if self.ended:
            return
        self._end()
        if self._reply:
            self._reply.stop()
        self._keep(self.so_far, "stopped")

    def _work(self) -> None:
        reply = self._reply = self._assistant.ask(self._question, history=self._history, scope=self._scope)
        self._tell("retrieving")
        for event in reply:
            if self.ended:
                return
            if isinstance(event, Sentence):
                # The proof first: no sentence is shown without its mark.
                self.citations = tuple(reply.citations)
                self.sentences = (*self.sentences, event)
                self.so_far = self._checked(reply)
                if not self._keep(self.so_far, "asked"):
                    # Deleted, or stopped by another program: nobody waits for the rest.
                    reply.stop()
                    return
                self._tell(self.stage)
            else:
                self._tell(event.name)
        if not self.ended:
            self._keep(reply.answer, "answered")

    def _checked(self, reply: "Reply") -> Answer | None:
        """Return an answer that is not whole, without what found no support; None where nothing is left."""
        checked = tuple(sentence for sentence in self.sentences if sentence.status != "unsupported")
        if not checked:
            return None
        text = " ".join(sentence.marked() for sentence in checked)
        return replace(reply.so_far, text=text, short_answer=None, sentences=checked, citations=self.citations)

    def _keep(self, answer: Answer | None, state: TurnState) -> bool:
        return self._conversations.keep(self.turn_id, answer, state=state, error=self.error)

    def _fail(self, words: str) -> None:
        self.error = words

    def _tell(self, stage: str) -> None:
        with self._changed:
            self.stage = stage
            self.news += 1
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self.ended = True
            self.news += 1
            self._changed.notify_all()


class IdleWork(Protocol):
    """What is done while nobody waits for an answer."""

    def go_on(self) -> bool:
        """Do a piece of the work; say whether there is more."""
        ...

    def give_way(self) -> None:
        """Come to an early end of the piece, because somebody asks; from any thread."""
        ...


class Desk:
    """Takes jobs and does them in the order in which they came: the models are shared by all readers."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        # Answers before what can wait, and each kind in the order in which it came.
        self._waiting: queue.PriorityQueue[tuple[bool, int, Job | IdleWork]] = queue.PriorityQueue()
        self._idle_work: IdleWork | None = None
        threading.Thread(target=self._work, name="answers", daemon=True).start()

    def write(self, job: Job) -> None:
        """Take a job; it is done when those before it are."""
        with self._lock:
            self._jobs[job.turn_id] = job
        self._waiting.put((False, next(self._numbers), job))
        at_work = self._idle_work
        if at_work:
            at_work.give_way()

    def when_idle(self, work: "IdleWork") -> None:
        """Do this while nobody waits for an answer, piece by piece."""
        self._waiting.put((True, next(self._numbers), work))

    def jobs(self) -> dict[int, Job]:
        """Return the jobs that are not done yet, by their turn's id, the oldest first."""
        with self._lock:
            return dict(self._jobs)

    def ahead(self, job: Growing) -> int:
        """Return how many answers are to be written before this one."""
        return sum(1 for other in self.jobs().values() if other.turn_id < job.turn_id and not other.ended)

    def stop(self, job: Growing) -> None:
        """End a job here. The models may still take a moment to come to rest."""
        job.stop()
        self._forget(job)

    def _work(self) -> None:
        while True:
            _, _, work = self._waiting.get()
            if isinstance(work, Job):
                work.run()
                self._forget(work)
                continue
            self._idle_work, more = work, False
            with told_in_words(_log.warning):
                more = work.go_on()
            self._idle_work = None
            if more:
                self.when_idle(work)

    def _forget(self, job: Growing) -> None:
        with self._lock:
            self._jobs.pop(job.turn_id, None)


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """Return the one desk of this server."""
    return Desk()
