"""How pages follow the ingestions: a fragment looks at them while there is anything to look at.

When one ends, the page is out of date as a whole. It is drawn anew by a hidden button, which ``page.js`` presses once
nobody is in the middle of a click: a rerun that the server begins by itself could swallow that click.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from ui.dock import Dock, dock
from ui.guard import told_in_words
from ui.ingestion import Ingestion
from ui.intake_board import board_html, headline
from ui.markup import escaped
from ui.read_only import check_may_change, is_read_only
from ui.watched import has_changes

if TYPE_CHECKING:
    from rag_app.assembly import Application

BUSY_SECONDS = 0.7
IDLE_SECONDS = 3.0

_FOLLOWED = "ingestions_followed"


def remember(ingestion: Ingestion) -> None:
    """Let this reader be told about an ingestion, also when it is over."""
    _followed().add(ingestion.number)


def forget_outcomes() -> None:
    """Clear what became of ingestions that are over from this reader's page."""
    st.session_state.pop(_FOLLOWED, None)


def draw_following(application: "Application", draw: Callable[[Dock, int], None]) -> None:
    """Draw what follows the ingestions, now and as they go on.

    ``draw`` is given the dock, and how many ends the page as a whole knows of.
    """
    the_dock = dock(application)
    known = the_dock.finished
    st.fragment(_follow, run_every=_interval(the_dock))(the_dock, draw, known)


def draw_refresh() -> None:
    """Draw the hidden button that draws the page anew."""
    st.button("Show what is new", key="refresh-page")


def followed(the_dock: Dock) -> list[Ingestion]:
    """Return the ingestions to tell this reader about: those that go on, and the ends of those that were followed."""
    numbers = _followed()
    numbers.update(ingestion.number for ingestion in the_dock.live())
    return [one for one in the_dock.all() if one.number in numbers]


def draw_boards(the_dock: Dock, known: int) -> None:
    """Draw the ingestions one below the other, each with what can be done with it."""
    # What was found out about a folder, and what came of those that are watched, is told with the folders.
    told = [one for one in followed(the_dock) if one.live or not (one.dry or one.by_itself)]
    for ingestion in told:
        with st.container(key=f"ingestion-{ingestion.number}", gap="small"):
            st.html(board_html(ingestion, ahead=the_dock.ahead(ingestion), known=known))
            if ingestion.live and not is_read_only():
                st.button(
                    "Stop",
                    key=f"stop-{ingestion.number}",
                    icon=":material/stop_circle:",
                    disabled=ingestion.state == "stopping",
                    help="What is added already stays",
                    on_click=_stop,
                    args=(ingestion,),
                )
    if any(not one.live for one in told):
        st.button("Clear", key="clear-outcomes", type="tertiary", on_click=forget_outcomes, help="Hide what is done")


def _stop(ingestion: Ingestion) -> None:
    with told_in_words():
        check_may_change()
        ingestion.stop()


def draw_line(the_dock: Dock, known: int) -> None:
    """Draw in a line what goes on, and what came of it."""
    for ingestion in followed(the_dock)[-3:]:
        if ingestion.live or not (ingestion.dry or (ingestion.by_itself and not has_changes(ingestion))):
            done = " data-done" if ingestion.is_known(known) else ""
            words = headline(ingestion, ahead=the_dock.ahead(ingestion))
            pulse = '<span class="pulse"></span>' if ingestion.live else ""
            st.html(
                f'<p class="quiet intake-line" role="status" data-job="{ingestion.number}"{done}>{pulse}'
                f"{escaped(words)}</p>"
            )


def _follow(the_dock: Dock, draw: Callable[[Dock, int], None], known: int) -> None:
    with told_in_words():
        draw(the_dock, known)
        if the_dock.finished != known:
            st.html('<i class="out-of-date" data-out-of-date></i>')


def _interval(the_dock: Dock) -> float | None:
    if the_dock.live():
        return BUSY_SECONDS
    return IDLE_SECONDS if the_dock.watched.all() else None


def _followed() -> set[int]:
    numbers: set[int] = st.session_state.setdefault(_FOLLOWED, set())
    return numbers
