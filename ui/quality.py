"""The figures of the quality page: made of what the library counts, and nothing of Streamlit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rag_app.library.feedback_rows import JudgedTurn
    from rag_app.library.quality import Bin, Counts
    from rag_app.records.feedback import Reason

DAYS_SHOWN, WEEKS_SHOWN = 31, 30


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day, a week or a month, by its first day, and what became of the questions in it."""

    first: date
    name: str
    answered: int
    declined: int
    broken: int

    @property
    def asked(self) -> int:
        return self.answered + self.declined + self.broken

    @property
    def answer_rate(self) -> float | None:
        """The share of the questions that were answered, of those that came to an end."""
        ended = self.answered + self.declined
        return self.answered / ended if ended else None


@dataclass(frozen=True, slots=True)
class Step:
    """A part of answering: its median and 95th percentile in milliseconds, and its share of all the time."""

    name: str
    p50: float
    p95: float
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the page shows of a window but its unanswered questions."""

    counts: "Counts"
    stretches: list[Stretch]
    unit: str
    steps: list[Step]
    bins: "list[Bin]"
    verdicts: "Mapping[tuple[bool, Reason | None], int]"
    judged: "list[JudgedTurn]"

    @property
    def helpful(self) -> int:
        return sum(count for (helpful, _), count in self.verdicts.items() if helpful)

    @property
    def unhelpful(self) -> int:
        return sum(count for (helpful, _), count in self.verdicts.items() if not helpful)


def stretches_of(days: "Mapping[str, Counts]", *, first: date | None, last: date) -> tuple[list[Stretch], str]:
    """Return all days from the first to the last, or weeks or months where they are many, and what they are.

    Without a ``first`` the first day is the first on which something was asked.
    """
    counted = {date.fromisoformat(day): counts for day, counts in days.items()}
    first = min([first or last, *counted])
    unit, begin = _unit((last - first).days + 1)
    sums: dict[date, list[int]] = {}
    day = first
    while day <= last:
        sums.setdefault(begin(day), [0, 0, 0])
        day += timedelta(days=1)
    for day, counts in counted.items():
        found = sums.setdefault(begin(day), [0, 0, 0])
        for place, number in enumerate((counts.answered, counts.declined, counts.failed + counts.stopped)):
            found[place] += number
    return [Stretch(start, _named(start, unit), *numbers) for start, numbers in sorted(sums.items())], unit


def _unit(days: int) -> tuple[str, Callable[[date], date]]:
    if days <= DAYS_SHOWN:
        return "day", lambda day: day
    if days <= WEEKS_SHOWN * 7:
        return "week", lambda day: day - timedelta(days=day.weekday())
    return "month", lambda day: day.replace(day=1)


def _named(start: date, unit: str) -> str:
    return f"{start:%b %Y}" if unit == "month" else f"{start.day} {start:%b}"


def steps_of(timings: Mapping[str, NDArray[np.float64]]) -> list[Step]:
    """Return how long whole answers took, and in which of their parts the time went; nothing without answers."""
    total = timings["total"]
    if not len(total):
        return []
    searching, weighing = timings["retrieve"], timings["evidence"]
    rest = np.maximum(total - searching - weighing, 0.0)
    spoken = timings["first_token"][timings["first_token"] > 0]
    whole = max(float((searching + weighing + rest).sum()), 1e-9)
    steps = [_step("To the end", total), *([_step("To the first sentence", spoken)] if len(spoken) else [])]
    parts = {"Searching": searching, "Weighing the evidence": weighing, "Reading, writing and checking": rest}
    return steps + [_step(name, taken, share=float(taken.sum()) / whole) for name, taken in parts.items()]


def _step(name: str, taken: NDArray[np.float64], *, share: float | None = None) -> Step:
    low, high = np.percentile(taken, (50, 95))
    return Step(name, float(low), float(high), share)


def milliseconds(value: float) -> str:
    """Return a time as people say it: ``640 ms``, ``1.2 s``."""
    return f"{value:,.0f} ms" if value < 1000 else f"{value / 1000:,.1f} s"
