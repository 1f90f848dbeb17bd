"""How ingestions are told about: their progress, what became of each file, and what a folder would change."""

from collections.abc import Sequence

from rag_app.records import IngestReport
from ui.ingestion import Ingestion, Line
from ui.markup import counted, escaped, shortened

LISTED = 40
NAMED = 12
UNSCROLLED = 5
TITLE_CHARACTERS = 60

_STEPS = {
    "waiting": "waiting",
    "reading": "reading…",
    "embedding": "embedding…",
    "stored": "added",
    "updated": "updated",
    "moved": "moved",
    "removed": "removed",
    "unchanged": "already there, unchanged",
    "failed": "not added",
}
_LOOKS = {"updated": "stored", "moved": "stored", "removed": "unchanged"}
_UNFINISHED = ("waiting", "reading", "embedding")
_AT_WORK = ("reading", "embedding")


def board_html(ingestion: Ingestion, *, ahead: int = 0, known: int = 0) -> str:
    """Return the state of an ingestion and the list of its files.

    ``ahead`` is how many come before it. The page as a whole knows of the first ``known`` ends of ingestions.
    """
    done = " data-done" if ingestion.is_known(known) else ""
    lines = [_settled(line, ingestion) for line in ingestion.lines()]
    notes = ingestion.report.warnings if ingestion.report else ()
    return (
        f'<div class="intake" data-job="{ingestion.number}" data-state="{ingestion.state}"{done}>'
        f'<p class="doing" role="status">{escaped(headline(ingestion, ahead=ahead))}</p>{_bar(ingestion)}'
        + "".join(f'<p class="quiet">{escaped(note)}</p>' for note in notes)
        + (f'<p class="reason">{escaped(ingestion.error)}</p>' if ingestion.error else "")
        + f"{lines_html(lines, title=_title(ingestion))}</div>"
    )


def lines_html(lines: Sequence[Line], *, title: str) -> str:
    """Return a list of files with what has become of each, and of those that failed why."""
    if not lines:
        return ""
    shown = lines
    if len(lines) > LISTED:
        # What asks for attention comes first, then what is going on.
        weight = {"failed": 0, **dict.fromkeys(_AT_WORK, 1), "waiting": 3}
        shown = sorted(lines, key=lambda line: weight.get(line.step, 2))[:LISTED]
    items = "".join(
        f'<li class="{_LOOKS.get(line.step, line.step)}"><span class="dot"></span>'
        f'<span class="name" dir="auto">{escaped(shortened(line.name, 200))}</span>'
        f'<span class="state">{escaped(_STEPS.get(line.step, line.step))}</span>{_reason_html(line)}</li>'
        for line in shown
    )
    more = f'<p class="quiet">and {len(lines) - len(shown):,} more</p>' if len(lines) > len(shown) else ""
    label = escaped(f"Files of {title}" if title else "Uploaded files")
    # What scrolls must be reached by keyboard.
    scrolls = ' tabindex="0"' if len(shown) > UNSCROLLED else ""
    return f'<ul class="board" aria-label="{label}"{scrolls}>{items}</ul>{more}'


def headline(ingestion: Ingestion, *, ahead: int = 0) -> str:
    """Return in a sentence how far an ingestion has come, or what it did."""
    where = f" from {_title(ingestion)}" if ingestion.title else ""
    counts = f"{min(ingestion.done + 1, ingestion.total):,} of {counted(ingestion.total, 'file')}"
    match ingestion.state:
        case "waiting" if ahead:
            return f"Waiting for {counted(ahead, 'ingestion')} before this one{where}"
        case "waiting":
            return f"Waiting{where}"
        case "running" if not ingestion.total:
            return f"Looking for files{where.replace(' from', ' in', 1)}"
        case "running":
            doing = "Looking through" if ingestion.dry else "Adding"
            return f"{doing} {counts}{where}" + (f" · {ingestion.rates}" if ingestion.rates else "")
        case "stopping":
            return "Stopping…"
        case "stopped":
            kept = sum(line.step in {"stored", "updated", "moved"} for line in ingestion.lines())
            return f"Stopped{where}. What was added stays: {counted(kept, 'file')}."
        case "failed":
            return f"Ended before all was done{where}"
    return f"{summary(ingestion.report)}{where}" if ingestion.report else "Done"


def summary(report: IngestReport) -> str:
    """Return in words what an ingestion did."""
    counts = {
        "added": len(report.added),
        "updated": len(report.updated),
        "read again": len(report.read_again),
        "moved": len(report.moved),
        "removed": len(report.removed),
        "unchanged": report.unchanged,
        "not added": len(report.failures),
    }
    words = [f"{number:,} {word}" for word, number in counts.items() if number]
    return ", ".join(words) or "Nothing to add"


def changes_html(report: IngestReport) -> str:
    """Return what a folder would change: how many files of each kind, and the names of the first of them."""
    moved = [f"{old} → {new}" for old, new in report.moved]
    failures = [failure.name for failure in report.failures]
    kinds: list[tuple[str, Sequence[str]]] = [
        ("to add", report.added),
        ("changed", report.updated),
        ("as they were, but to be read anew", report.read_again),
        ("moved", moved),
        ("to remove, their files are gone", report.removed),
        ("cannot be read", failures),
    ]
    items = "".join(
        f'<li><span class="figure-first">{len(names):,}</span><span class="name">{escaped(kind)}</span>'
        f'<p class="state wide">{escaped(_first(names))}</p></li>'
        for kind, names in kinds
        if names
    )
    rest = f"{report.unchanged:,} unchanged, {report.skipped:,} of kinds that are not read."
    nothing = "" if items else '<p class="quiet">Nothing would change.</p>'
    notes = "".join(f'<p class="quiet">{escaped(note)}</p>' for note in report.warnings)
    return f'<ul class="lines changes">{items}</ul>{nothing}<p class="quiet">{escaped(rest)}</p>{notes}'


def _first(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _title(ingestion: Ingestion) -> str:
    # The end of a path tells more than its beginning.
    title = ingestion.title
    return title if len(title) <= TITLE_CHARACTERS else "…" + title[-TITLE_CHARACTERS:]


def _bar(ingestion: Ingestion) -> str:
    if ingestion.state not in ("running", "stopping") or not ingestion.total:
        return ""
    return f'<progress max="{ingestion.total}" value="{ingestion.done}" aria-label="Files that are done"></progress>'


def _settled(line: Line, ingestion: Ingestion) -> Line:
    """Return a line as it is when all is over: what is not finished then was not added."""
    if ingestion.live or line.step not in _UNFINISHED:
        return line
    return Line(line.name, "failed", line.reason)


def _reason_html(line: Line) -> str:
    if not line.reason:
        return ""
    looks = "reason" if line.step == "failed" else "state wide"
    return f'<p class="{looks}">{escaped(line.reason)}</p>'
