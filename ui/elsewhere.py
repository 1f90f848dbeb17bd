"""An answer that another program writes which shares the library, followed through the database."""

import time
from typing import TYPE_CHECKING

from rag_app.errors import NotFound
from rag_app.records import Answer, Citation, KeptTurn, Sentence

if TYPE_CHECKING:
    from rag_app.library.conversations import Conversations


class AnsweredElsewhere:
    """As much of an answer as its writer has kept so far. It ends with the answer, or when its writer does."""

    def __init__(self, conversations: "Conversations", turn: KeptTurn) -> None:
        self.turn_id = turn.id
        self.stage = "elsewhere"
        self.sentences: tuple[Sentence, ...] = ()
        self.citations: tuple[Citation, ...] = ()
        self.so_far: Answer | None = None
        self.error = ""
        self.ended = False
        self.news = 0
        self._conversations = conversations
        self._take(turn)

    def wait(self, seen: int, *, seconds: float) -> int:
        """Look for news beyond those seen, after so long; return how much there is."""
        if self.news == seen and not self.ended:
            time.sleep(seconds)
            try:
                self._take(self._conversations.turn(self.turn_id))
            except NotFound:
                self.ended = True
        return self.news

    def stop(self) -> None:
        """End the answer here; its writer notices when it has more to keep."""
        self.ended = True
        self._conversations.keep(self.turn_id, None, state="stopped")

    def _take(self, turn: KeptTurn) -> None:
        self.ended = not turn.elsewhere
        if turn.answer and turn.answer.sentences != self.sentences:
            self.so_far, self.sentences, self.citations = turn.answer, turn.answer.sentences, turn.answer.citations
            self.news += 1
