"""Draw the figures of a report as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rag_app.errors import RagError

try:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
except ImportError as error:
    raise RagError(
        f"A report is drawn with matplotlib, which is missing ({error}). Install it: pip install 'rag_app[report]'"
    ) from error

OURS, PLAIN, GREY = "#0b6e4f", "#c2703d", "#8a8f98"
INCHES = (6.4, 4.4)
DOTS_PER_INCH = 160


def draw_reliability(confidence: Mapping[str, Any], file: Path) -> None:
    """Draw confidence against the share of answers that are right; the area of a dot is its number of answers."""
    figure, axes = _sheet("Confidence", "Share of answers that are right")
    bins = confidence["bins"]
    most = max((b["n"] for b in bins), default=1)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    axes.plot([b["confidence"] for b in bins], [b["right"] for b in bins], color=OURS, linewidth=1)
    axes.scatter(
        [b["confidence"] for b in bins],
        [b["right"] for b in bins],
        s=[20 + 180 * b["n"] / most for b in bins],
        color=OURS,
        label=f"rag_app (n = {confidence['answers']} answers)",
    )
    _unit_square(axes)
    axes.legend(loc="upper left", frameon=False)
    _save(figure, file)


def draw_risk_coverage(curves: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """Draw for each system the share of wrong answers against the share of questions answered, over all thresholds."""
    figure, axes = _sheet("Share of questions answered", "Share of answers that are wrong")
    for (name, curve), colour in zip(curves.items(), (OURS, PLAIN, GREY), strict=False):
        points = curve["points"]
        coverage, risk = [p["coverage"] for p in points], [p["risk"] for p in points]
        axes.step(coverage, risk, where="pre", color=colour, linewidth=1.6, label=name)
        chosen = curve["at_threshold"]
        if chosen:
            axes.plot(chosen["coverage"], chosen["risk"], "o", color=colour, markersize=8)
            note = f"threshold {curve['threshold']:g}"
            axes.annotate(note, (chosen["coverage"], chosen["risk"]), (6, 8), textcoords="offset points", fontsize=9)
    _unit_square(axes)
    axes.legend(loc="upper left", frameon=False)
    _save(figure, file)


def draw_bars(rows: Sequence[tuple[str, Mapping[str, tuple[float, Sequence[float] | None]]]], file: Path) -> None:
    """Draw for each (label, share and interval by system) of questions answered well a bar for each system."""
    systems = list(dict.fromkeys(name for _, values in rows for name in values))
    figure, axes = _sheet("Share of answerable questions that are answered well", "")
    figure.set_size_inches(INCHES[0] + 1.2, 1.2 + 0.55 * max(len(rows), 1))
    height = 0.8 / max(len(systems), 1)
    for place, (system, colour) in enumerate(zip(systems, (OURS, PLAIN, GREY), strict=False)):
        for row, (_, values) in enumerate(rows):
            if system not in values:
                continue
            value, interval = values[system]
            label = system if row == 0 else None
            y = row + (place - (len(systems) - 1) / 2) * height
            axes.barh(y, value, height * 0.92, color=colour, label=label)
            if interval:
                low, high = max(value - interval[0], 0.0), max(interval[1] - value, 0.0)
                axes.errorbar(value, y, xerr=[[low], [high]], color="black", linewidth=1, capsize=2)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(visible=False, axis="y")
    if rows:
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=max(len(systems), 1), frameon=False)
    _save(figure, file)


def _sheet(x: str, y: str) -> tuple[Figure, Axes]:
    # No pyplot: it keeps every figure alive and chooses a backend by the machine.
    figure = Figure(figsize=INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(visible=True, color="#e4e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)


def _save(figure: Figure, file: Path) -> None:
    try:
        # Without the version of matplotlib inside, the same figures give the same file.
        figure.savefig(file, metadata={"Software": None})
    except OSError as error:
        raise RagError(f"{file} cannot be written: {error.strerror or error}. Name another folder.") from error
