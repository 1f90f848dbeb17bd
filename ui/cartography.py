"""Where maps are drawn: in the background, one at a time, once for each state of the library."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import streamlit as st

from rag_app.errors import PageError
from rag_app.records import Scope
from ui.guard import told_in_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag_app.library import Library
    from rag_app.library.sampling import Sample

MOST_CHUNKS = 20_000
"""Of more, a fair sample is drawn: a browser would be slow with them, and nobody could tell them apart."""
_REMEMBERED = 8
AGAIN_AFTER_SECONDS = 60.0
"""A map that could not be drawn is not tried again before, unless the library has changed."""


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """A map: chunks and their places, shape (chunks, 2), within -1 and 1, at a revision of the library."""

    revision: int
    sample: "Sample"
    places: "NDArray[np.float32]"


class Drawing:
    """A map in the making: what is being done for it, since when (by the clock of ``time.monotonic``)."""

    def __init__(self) -> None:
        self.step = "waiting"
        self.began = time.monotonic()

    def begin(self, step: str) -> None:
        """Note that a step is begun."""
        self.step = step


class Cartographer:
    """Draws maps, and remembers the last ones."""

    def __init__(self) -> None:
        self._plots: WeakKeyDictionary[Library, dict[Scope, Plot]] = WeakKeyDictionary()
        self._errors: dict[tuple[Library, Scope], tuple[int, float, str]] = {}
        self._drawing: dict[tuple[Library, Scope], Drawing] = {}
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()

    def plot(self, library: "Library", scope: Scope) -> tuple[Plot | None, bool]:
        """Return the latest map of a scope, if there is one, and whether it shows the library as it is now.

        Where it does not, the next one is begun.

        Raises:
            PageError: it could not be drawn.
        """
        revision = library.revision
        with self._lock:
            told_of, when, words = self._errors.get((library, scope), (revision, 0.0, ""))
            if words and told_of == revision and time.monotonic() - when < AGAIN_AFTER_SECONDS:
                raise PageError(words)
            plot = self._plots.get(library, {}).get(scope)
            fresh = plot is not None and plot.revision == revision
            if not fresh and (library, scope) not in self._drawing:
                drawing = self._drawing[library, scope] = Drawing()
                threading.Thread(target=self._draw, args=(library, scope, drawing), name="map", daemon=True).start()
            return plot, fresh

    def drawing(self, library: "Library", scope: Scope) -> Drawing | None:
        """Return the map of a scope that is being drawn, if one is."""
        with self._lock:
            return self._drawing.get((library, scope))

    def _draw(self, library: "Library", scope: Scope, drawing: Drawing) -> None:
        revision, trouble = library.revision, [""]
        plot = None
        with told_in_words(trouble.append), self._one_at_a_time:
            plot = draw_plot(library, scope, on_step=drawing.begin)
        with self._lock:
            self._drawing.pop((library, scope), None)
            self._errors.pop((library, scope), None)
            if plot is None:
                self._errors[library, scope] = (revision, time.monotonic(), trouble[-1])
                return
            plots = self._plots.setdefault(library, {})
            plots.pop(scope, None)
            plots[scope] = plot
            for oldest in list(plots)[:-_REMEMBERED]:
                del plots[oldest]


def draw_plot(
    library: "Library",
    scope: Scope,
    *,
    most: int = MOST_CHUNKS,
    on_step: Callable[[str], object] = lambda step: None,
) -> Plot:
    """Return a map of the chunks in a scope, of at most so many. ``on_step`` is told what is begun."""
    from rag_app.projection import project

    revision = library.revision
    on_step("reading")
    sample = library.sample(scope, most=most)
    return Plot(revision, sample, project(sample.vectors, on_step))


@st.cache_resource(show_spinner=False)
def cartographer() -> Cartographer:
    """Return the one cartographer of this server."""
    return Cartographer()
