"""What the documents lack: questions that got no answer, those that ask for the same together.

Grouping takes seconds where there are many, so it is done in a thread of its own, and the page asks for the outcome.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from ui.guard import told_in_words

if TYPE_CHECKING:
    from rag_app.assembly import Application
    from rag_app.library.quality import Unanswered
    from rag_app.library.window import Window

MOST = 2000
"""The latest so many are grouped. Comparing each with each takes a second then, and four times as long for twice."""
ALIKE = 0.45
"""Mean cosine distance within a group: beyond it, questions of the handbook's set joined that only share a subject."""
_REMEMBERED = 8
_VECTORS = 3 * MOST


@dataclass(frozen=True, slots=True)
class Group:
    """Questions that ask for the same. ``name`` is the one in their middle; ``questions`` holds the latest first."""

    name: str
    questions: tuple["Unanswered", ...]

    @property
    def latest(self) -> datetime:
        return max(question.asked_at for question in self.questions)


@dataclass(slots=True)
class Outcome:
    """The groups of a window, once they are found, or why they could not be."""

    groups: list[Group] | None = None
    error: str = ""


def group_questions(questions: Sequence["Unanswered"], vectors: NDArray[np.float32]) -> list[Group]:
    """Group questions by their unit vectors, of shape (n, dimensions): the most often asked first, then the latest.

    Average-linkage clustering (Sokal & Michener 1958) on cosine distance, ended at ``ALIKE``. The same question asked
    twice weighs as much as one.
    """
    places = defaultdict(list)
    for place, question in enumerate(questions):
        places[as_one(question.question)].append(place)
    first = np.array([found[0] for found in places.values()])
    units = vectors[first]
    labels = _labels(units)
    groups = []
    for label in range(int(labels.max()) + 1):
        members = np.flatnonzero(labels == label)
        nearness = units[members] @ units[members].mean(axis=0)
        middle = questions[first[members[int(np.argmax(nearness))]]]
        asked = [questions[place] for member in members for place in places[as_one(questions[first[member]].question)]]
        asked.sort(key=lambda question: question.turn_id, reverse=True)
        groups.append(Group(middle.question, tuple(asked)))
    return sorted(groups, key=lambda group: (len(group.questions), group.latest), reverse=True)


def as_one(question: str) -> str:
    """Return a question without what does not make it another one: case, spaces, and its mark."""
    return " ".join(question.casefold().split()).rstrip("?!. ")


def _labels(units: NDArray[np.float32]) -> NDArray[np.int64]:
    if len(units) < 2:
        return np.zeros(len(units), dtype=np.int64)
    # Imported here: it takes a second, which the page does not wait for.
    from sklearn.cluster import AgglomerativeClustering

    clustering = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=ALIKE)
    labels: NDArray[np.int64] = clustering.fit_predict(units)
    return labels


class Grouper:
    """Groups the unanswered questions of a window, once for each state of the library."""

    def __init__(self) -> None:
        self._outcomes: OrderedDict[tuple[Any, ...], Outcome] = OrderedDict()
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grouping")

    def outcome(self, application: "Application", window: "Window") -> Outcome:
        """Return what is known of a window; where that is nothing yet, it is being found out."""
        library = application.library
        # With the revision: what was understood of a question may have been words of a document that is removed.
        key = (library.revision, *library.quality.unanswered_stamp(window), window)
        with self._lock:
            if key not in self._outcomes:
                self._outcomes[key] = outcome = Outcome()
                if len(self._outcomes) > _REMEMBERED:
                    self._outcomes.popitem(last=False)
                self._thread.submit(self._find, application, window, outcome)
            return self._outcomes[key]

    def finish(self) -> None:
        """Wait until what was begun is done."""
        self._thread.submit(int).result()

    def _find(self, application: "Application", window: "Window", outcome: Outcome) -> None:
        with told_in_words(partial(setattr, outcome, "error")):
            questions = application.library.quality.unanswered(window, limit=MOST)
            outcome.groups = group_questions(questions, self._embedded(application, questions)) if questions else []

    def _embedded(self, application: "Application", questions: Sequence["Unanswered"]) -> NDArray[np.float32]:
        texts = [as_one(question.question) for question in questions]
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if missing:
            self._vectors |= dict(zip(missing, application.embedder.embed_passages(missing), strict=True))
        if len(self._vectors) > _VECTORS:
            self._vectors = {text: self._vectors[text] for text in texts}
        return np.stack([self._vectors[text] for text in texts])


@st.cache_resource(show_spinner=False)
def grouper() -> Grouper:
    """Return the one grouper of this server."""
    return Grouper()
