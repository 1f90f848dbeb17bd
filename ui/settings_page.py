"""The settings: when to answer, how it looks, which models are at work, and what leaves the computer (nothing)."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from rag_app.settings import FILE, Settings, settings_origins
from ui.at_work import draw_models, draw_privacy
from ui.guard import show_error, told_in_words
from ui.markup import counted, escaped
from ui.read_only import WORDS, check_may_change
from ui.server_folders import is_seen_here

if TYPE_CHECKING:
    from rag_app.answering.track_record import Outcome, TrackRecord
    from rag_app.assembly import Application

_TROUBLE = "trouble_of_setting"
_STEP = 0.05
SHARED = (
    "This page can be reached from other computers, and whoever opens it can change what is set here. What is set in "
    "the environment, as with <code>RAG_APP_THRESHOLD</code>, stays as it is. Started with "
    "<code>rag-app ui --read-only</code>, the page lets nobody add, remove or set anything."
)
READ_ONLY = (
    f"{WORDS} Whoever opens it may ask, read, judge answers, and rename and delete conversations, for there is no "
    "log-in to tell readers apart. It is so by the setting <code>read_only</code>."
)
THEMES = (("System", "Like this device"), ("Light", "Light"), ("Dark", "Dark"))


def show(application: "Application") -> None:
    """Draw the settings page."""
    settings = application.settings
    told = (
        READ_ONLY
        if settings.read_only
        else "What you change holds from the next question on, for everybody who uses this library. It is written to "
        f"{escaped(str(settings.home / FILE))}."
    )
    kind = "quiet read-only" if settings.read_only else "quiet"
    st.html(f'<div class="title"><h1>Settings</h1><p class="{kind}">{told}</p></div>')
    if not settings.read_only and not is_seen_here():
        st.html(f'<p class="quiet">{SHARED}</p>')
    trouble = st.session_state.pop(_TROUBLE, "")
    if trouble:
        show_error(trouble)
    fixed = _fixed(settings)
    with st.container(key="settings-answers", gap="small"):
        _draw_threshold(application, fixed)
        _draw_answers(settings, fixed)
    _draw_look()
    _draw_language()
    draw_models(application)
    draw_privacy(application)


def _fixed(settings: Settings) -> dict[str, str]:
    """Return the settings that the file in the home folder cannot change, with where they are set."""
    here = f"in {settings.home / FILE}"
    return {name: where for name, where in settings_origins().items() if where != here}


def _draw_threshold(application: "Application", fixed: dict[str, str]) -> None:
    from rag_app.assembly import open_track_record

    settings = application.settings
    _heading("When to answer")
    threshold = _slider(
        settings,
        fixed,
        "threshold",
        ("How sure rag_app must be to answer", 0.0, 1.0, _STEP),
        help="Below it, the answer is that the documents do not say",
    )
    with told_in_words():
        record = open_track_record(settings)
        st.html(threshold_html(record, threshold, application.assistant.models))


def _draw_answers(settings: Settings, fixed: dict[str, str]) -> None:
    _slider(
        settings,
        fixed,
        "passages",
        ("Passages weighed for an answer", 1, 50, 1),
        help="More of them find more in large libraries, and take longer",
    )
    name, key = "show_unsupported", "setting-show_unsupported"
    st.session_state[key] = settings.show_unsupported
    st.toggle(
        "Show sentences that nothing supports",
        key=key,
        disabled=settings.read_only or name in fixed,
        help="They are marked as such, and come after what is sure. Otherwise they are left out.",
        on_change=_write,
        args=(settings, name),
    )
    _say_fixed(name, fixed)
    usual = Settings()
    changed = [n for n in ("threshold", "passages", name) if getattr(settings, n) != getattr(usual, n)]
    if any(n not in fixed for n in changed) and not settings.read_only:
        st.button("Back to the defaults", key="settings-defaults", on_click=_forget, args=(settings, changed, fixed))


def _slider(
    settings: Settings, fixed: dict[str, str], name: str, scale: tuple[str, Any, Any, Any], *, help: str
) -> float:
    """Draw a slider for a setting as it is in force, which another tab or an editor may have changed."""
    label, low, high, step = scale
    key = f"setting-{name}"
    st.session_state[key] = getattr(settings, name)
    value: float = st.slider(
        label,
        low,
        high,
        step=step,
        key=key,
        disabled=settings.read_only or name in fixed,
        help=help,
        on_change=_write,
        args=(settings, name),
    )
    _say_fixed(name, fixed)
    return value


def _say_fixed(name: str, fixed: dict[str, str]) -> None:
    if name in fixed:
        st.html(f'<p class="quiet">Fixed {escaped(fixed[name])}; to change it, change it there.</p>')


def _write(settings: Settings, name: str) -> None:
    value = st.session_state[f"setting-{name}"]
    _change(settings, {name: round(value, 2) if isinstance(value, float) else value})


def _forget(settings: Settings, names: list[str], fixed: dict[str, str]) -> None:
    _change(settings, {name: None for name in names if name not in fixed})


def _change(settings: Settings, changes: dict[str, Any]) -> None:
    from rag_app.settings_file import change_settings

    with told_in_words(lambda words: st.session_state.__setitem__(_TROUBLE, words)):
        check_may_change()
        change_settings(settings.home, changes)


def threshold_html(record: "TrackRecord | None", threshold: float, models: dict[str, str]) -> str:
    """Return what a threshold means: how often its answers were wrong, and how much it left unanswered."""
    if record is None:
        return '<p class="quiet">How often the answers of this language model are wrong was never measured.</p>'
    outcome = record.at(threshold)
    other = (
        ""
        if dict(record.models) == models
        else " That was with other models than those at work now, so take it as a rough guide."
    )
    answerable = record.outcomes[0].answerable
    rows = "".join(_row_html(o, chosen=o is outcome) for o in record.outcomes if round(o.threshold * 20) % 2 == 0)
    return (
        f'<p class="meaning">{_in_words(outcome)}</p>'
        f'<p class="quiet">Measured with {counted(record.questions, "question")} about the sample handbook, '
        f"{answerable} of which it answers. Your documents and questions are others, and so the share will "
        f"be another one.{other}</p>"
        '<details class="passages"><summary>Every threshold</summary><div class="wide" tabindex="0" role="region" '
        'aria-label="What every threshold gave"><table><thead><tr><th scope="col">Threshold</th>'
        '<th scope="col">Answers shown</th><th scope="col">Of them wrong</th>'
        f'<th scope="col">Answerable questions answered</th></tr></thead><tbody>{rows}</tbody></table></div></details>'
    )


def _in_words(outcome: "Outcome") -> str:
    share = f"{outcome.answered / outcome.answerable:.0%}" if outcome.answerable else "none"
    if outcome.one_in is None:
        return (
            "So little is answered at this threshold that nobody can say how often it is wrong: "
            f"{counted(outcome.shown, 'answer')} of the measurement."
        )
    wrong = "none of the shown answers was wrong" if outcome.one_in == 0 else _one_in(outcome.one_in)
    return f"About {wrong}, and {share} of the questions that the documents answer were answered."


def _one_in(number: int) -> str:
    return "every shown answer was wrong" if number == 1 else f"<b>1 in {number} shown answers</b> was wrong"


def _row_html(outcome: "Outcome", *, chosen: bool) -> str:
    wrong = f"{outcome.wrong / outcome.shown:.0%}" if outcome.one_in is not None else "too few to say"
    answered = f"{outcome.answered / outcome.answerable:.0%}" if outcome.answerable else "–"
    here = ' class="marked"' if chosen else ""
    return f"<tr{here}><td>{outcome.threshold:.2f}</td><td>{outcome.shown}</td><td>{wrong}</td><td>{answered}</td></tr>"


def _draw_look() -> None:
    _heading("Look")
    choices = "".join(
        f'<button type="button" class="theme-choice" data-theme="{name}" aria-pressed="false">{words}</button>'
        for name, words in THEMES
    )
    st.html(
        f'<div class="choices" role="group" aria-label="Theme">{choices}</div>'
        '<p class="quiet">Remembered by this browser alone; the page is loaded anew.</p>'
    )


def _draw_language() -> None:
    _heading("Language")
    st.html(
        '<p class="plain">The embedded models know <b>English</b>. Questions and documents in other languages are '
        "found by their words, which works in any script that puts spaces between words; that a text answers, and that "
        "a sentence is supported, is judged well in English only. There is no switch, because none would change that. "
        "Models of another language can be set in the file above: <code>embedder</code>, <code>evidence</code> and "
        "<code>generator</code>.</p>"
    )


def _heading(words: str) -> None:
    st.html(f'<h2 class="part">{words}</h2>')
