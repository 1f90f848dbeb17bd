"""The charts of the quality page. Each says in words what it shows, and has its numbers in a table below it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from rag_app.records.feedback import REASONS
from ui.markup import counted, escaped
from ui.quality import Step, Stretch, milliseconds

if TYPE_CHECKING:
    from rag_app.library.quality import Bin
    from rag_app.records.feedback import Reason

# Told apart by lightness, too, and at least 3 to 1 against both backgrounds.
_GREEN, _AMBER, _GREY = "#2f8f7a", "#b5791a", "#8b8f88"
_HEIGHT = 250
_AXIS = {"labelOverlap": "greedy", "labelAngle": 0, "title": None, "grid": False}


def draw_over_time(stretches: Sequence[Stretch], unit: str) -> None:
    """Draw how many questions were asked, and what became of them, with the answer rate in the table."""
    kinds = ("Answered", "Not in the documents", "Failed or stopped")
    values = [
        {"when": stretch.name, "kind": kind, "order": order, "questions": number}
        for stretch in stretches
        for order, (kind, number) in enumerate(
            zip(kinds, (stretch.answered, stretch.declined, stretch.broken), strict=True)
        )
    ]
    busiest = max(stretches, key=lambda stretch: stretch.asked)
    _draw(
        _stacked(values, "when", "questions", kinds),
        f"Bars, one for each {unit}: questions answered, not in the documents, and failed or stopped. The most were "
        f"asked on {busiest.name}: {counted(busiest.asked, 'question')}.",
    )
    rows = [
        [s.name, f"{s.asked:,}", f"{s.answered:,}", f"{s.declined:,}", f"{s.broken:,}", _share(s.answer_rate)]
        for s in reversed(stretches)
        if s.asked
    ]
    _draw_table([unit.capitalize(), "Asked", *kinds, "Answer rate"], rows, f"By {unit}, as a table")


def draw_answer_rate(stretches: Sequence[Stretch], unit: str) -> None:
    """Draw the share of questions that were answered over time."""
    values = [{"when": s.name, "rate": s.answer_rate, "of": s.answered + s.declined} for s in stretches]
    rates = [s.answer_rate for s in stretches if s.answer_rate is not None]
    spec = {
        "data": {"values": values},
        "height": 160,
        "mark": {
            "type": "line",
            "point": {"size": 45, "filled": True, "color": _GREEN},
            "color": _GREEN,
        },
        "encoding": {
            "x": {"field": "when", "type": "ordinal", "sort": None, "axis": _AXIS},
            "y": {
                "field": "rate",
                "type": "quantitative",
                "scale": {"domain": [0, 1]},
                "axis": {"format": ".0%", "title": None, "values": [0, 0.5, 1]},
            },
            "tooltip": [
                {"field": "when", "title": unit.capitalize()},
                {"field": "rate", "title": "Answer rate", "format": ".0%"},
                {"field": "of", "title": "Questions"},
            ],
        },
    }
    _draw(
        spec,
        f"A line through the answer rate of each {unit}, from {_share(rates[0])} to {_share(rates[-1])}; the lowest "
        f"is {_share(min(rates))}, the highest {_share(max(rates))}."
        if rates
        else "No question has come to an end yet.",
    )


def draw_confidence(bins: "Sequence[Bin]") -> None:
    """Draw what readers thought of answers by the confidence with which they were given."""
    kinds = ("Helpful", "Not helpful")
    values = [
        {"when": _range(b), "kind": kind, "order": order, "answers": number}
        for b in bins
        for order, (kind, number) in enumerate(zip(kinds, (b.helpful, b.unhelpful), strict=True))
    ]
    shares = "; ".join(f"{_range(b)}: {_share(_helpful_share(b))}" for b in bins if b.helpful + b.unhelpful)
    _draw(
        _stacked(values, "when", "answers", kinds),
        f"Bars of answers found helpful and not, by confidence. Helpful of those judged: {shares}.",
    )
    rows = [
        [_range(b), f"{b.answers:,}", f"{b.helpful:,}", f"{b.unhelpful:,}", _share(_helpful_share(b))]
        for b in reversed(bins)
    ]
    _draw_table(["Confidence", "Answers", *kinds, "Helpful of judged"], rows, "By confidence, as a table")


def reasons_html(verdicts: "Mapping[tuple[bool, Reason | None], int]") -> str:
    """Return the reasons for which answers did not help, with bars, the commonest first."""
    found = {reason: count for (helpful, reason), count in verdicts.items() if not helpful}
    most = max(found.values(), default=1)
    rows = "".join(
        f"<tr><th scope='row'>{REASONS[reason].capitalize() if reason else 'No reason named'}</th>"
        f"<td>{count:,}</td><td class='bar'>{_bar(count / most)}</td></tr>"
        for reason, count in sorted(found.items(), key=lambda item: -item[1])
    )
    return (
        '<table class="bars"><caption>Why answers did not help</caption><thead><tr><th scope="col">Reason</th>'
        f'<th scope="col">Answers</th><td></td></tr></thead><tbody>{rows}</tbody></table>'
    )


def steps_html(steps: Sequence[Step]) -> str:
    """Return how long answers took, and where the time went, with bars."""
    rows = "".join(
        f"<tr><th scope='row'>{step.name}</th><td>{milliseconds(step.p50)}</td><td>{milliseconds(step.p95)}</td>"
        f"<td>{_share(step.share) if step.share is not None else ''}</td>"
        f"<td class='bar'>{_bar(step.share) if step.share is not None else ''}</td></tr>"
        for step in steps
    )
    return (
        '<table class="bars"><caption>How long answers took</caption><thead><tr><th scope="col">Part</th>'
        '<th scope="col">Half take at most</th><th scope="col">19 of 20 at most</th><th scope="col">Share</th>'
        f"<td></td></tr></thead><tbody>{rows}</tbody></table>"
    )


def _stacked(values: Sequence[Mapping[str, Any]], x: str, y: str, kinds: Sequence[str]) -> dict[str, Any]:
    colours = [_GREEN, _AMBER, _GREY][: len(kinds)]
    return {
        "data": {"values": list(values)},
        "height": _HEIGHT,
        "mark": {"type": "bar", "cornerRadius": 1},
        "encoding": {
            "x": {"field": x, "type": "ordinal", "sort": None, "axis": _AXIS},
            "y": {"field": y, "type": "quantitative", "axis": {"title": None, "tickMinStep": 1, "format": ",d"}},
            "color": {
                "field": "kind",
                "sort": list(kinds),
                "scale": {"domain": list(kinds), "range": colours},
                "legend": {"orient": "top", "title": None, "columns": 2, "labelLimit": 200, "offset": 6},
            },
            "order": {"field": "order", "type": "quantitative"},
            "tooltip": [{"field": x, "title": "When"}, {"field": "kind", "title": " "}, {"field": y, "title": y}],
        },
    }


def _draw(spec: dict[str, Any], words: str) -> None:
    # Room for the last label, which would be cut off on a narrow screen.
    st.vega_lite_chart(spec | {"padding": {"right": 18}}, width="stretch", alt=words)


def _draw_table(headings: Sequence[str], rows: Sequence[Sequence[str]], summary: str) -> None:
    head = "".join(f'<th scope="col">{escaped(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{escaped(row[0])}</th>{"".join(f"<td>{escaped(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    st.html(
        f'<details class="passages tallied"><summary>{escaped(summary)}</summary><div class="wide" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )


def _bar(share: float) -> str:
    return f'<span class="bar-full" style="width:{100 * share:.1f}%"></span>'


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _range(found: "Bin") -> str:
    return f"{found.low:.0%}–{found.low + 0.1:.0%}"


def _helpful_share(found: "Bin") -> float | None:
    judged = found.helpful + found.unhelpful
    return found.helpful / judged if judged else None
