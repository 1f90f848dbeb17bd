"""Show what was measured in a terminal, for people; ``--json`` is for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from rag_app.evaluation.figures import SIDE_BY_SIDE, figure_of

out = Console(soft_wrap=True, highlight=False)
FEW = 3
"""As many systems fit side by side."""
COLUMNS = ("contains", "well", "F1 all", "silent*", "silent", "false", "cited", "unsupp.")
COLUMNS_MEAN = (
    "contains: of the answerable; well: or F1 of 0.5; F1 all: right silence counts as 1; silent*: of the unanswerable; "
    "silent: of the answerable; false: of the answers; cited: citation precision; unsupp.: sentences"
)


def show_evaluation(result: Mapping[str, Any]) -> None:
    """Print the figures of an evaluation with their intervals; several systems side by side."""
    out.print(Text(f"{result['dataset']}, mode {result['mode']}, n = {result['n']}, seed {result['seed']}"))
    systems = result.get("systems")
    if systems:
        show_side_by_side(systems)
    else:
        out.print(Text(f"{result['system']}: {_models(result)}"))
        _show_figures(result)
    if result["failed"]["n"]:
        out.print(Text(f"{result['failed']['n']} questions could not be asked and count as answered wrongly:"))
        for failure in result["failed"]["questions"][:5]:
            out.print(Text(f"  {failure['id']}: {failure['reason']}"))


def show_side_by_side(systems: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a few systems as columns with 95 % intervals, or many as rows without."""
    for models in dict.fromkeys(_models(report) for report in systems.values()):
        names = ", ".join(name for name, report in systems.items() if _models(report) == models)
        out.print(Text(f"{names}: {models}"))
    if len(systems) > FEW:
        table = Table(Column("", no_wrap=True), *COLUMNS, "p50 ms", box=None, padding=(0, 1, 0, 0))
        for name, report in systems.items():
            values = [number(figure_of(report, group, figure)[0]) for _, group, figure in SIDE_BY_SIDE]
            table.add_row(name, *values, number(report["latency_ms"]["p50"], 0))
    else:
        table = Table("", *systems, box=None)
        for heading, group, figure in SIDE_BY_SIDE:
            table.add_row(heading, *(with_interval(*figure_of(r, group, figure)) for r in systems.values()))
        table.add_row("p50 ms", *(number(r["latency_ms"]["p50"], 0) for r in systems.values()))
    out.print(table)
    if len(systems) > FEW:
        out.print(Text(COLUMNS_MEAN, style="dim"))


def show_ranking(result: Mapping[str, Any]) -> None:
    """Print the figures of a retrieval run, a column for each way to search."""
    out.print(Text(f"{result['corpus']}: {result['documents']} documents, n = {result['n']}, seed {result['seed']}"))
    out.print(Text(_models(result)))
    systems = result["systems"]
    table = Table("", *systems, box=None)
    for name in next(iter(systems.values()))["figures"]:
        values = (with_interval(s["figures"][name], s["intervals_95"][name]) for s in systems.values())
        table.add_row(name, *values)
    table.add_row("p50 ms", *(number(s["latency_ms"]["p50"], 0) for s in systems.values()))
    out.print(table)


def show_claims(result: Mapping[str, Any]) -> None:
    """Print the figures of a run over claims."""
    classes = f"{result['supported']} supported, {result['unsupported']} not"
    out.print(Text(f"{result['dataset']}: n = {result['n']} ({classes}), seed {result['seed']}"))
    out.print(Text(f"{_models(result)}, threshold {result['threshold']}"))
    table = Table("figure", "value", "95 % interval", box=None)
    for name, interval in result["intervals_95"].items():
        table.add_row(name, number(result[name]), span(interval))
    out.print(table)


def show_thresholds(result: Mapping[str, Any]) -> None:
    """Print what each threshold gives."""
    out.print(Text(f"{result['dataset']}: n = {result['questions']}, open"))
    out.print(Text(_models(result)))
    table = Table("threshold", "answers shown", "of them wrong", "answerable questions answered", box=None)
    for point in result["points"]:
        wrong = point["wrong"] / point["shown"] if point["shown"] else None
        answered = point["answered"] / point["answerable"] if point["answerable"] else None
        table.add_row(number(point["threshold"], 2), str(point["shown"]), number(wrong), number(answered))
    out.print(table)


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure as it is printed, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def span(interval: Sequence[float] | None) -> str:
    """Return an interval as it is printed."""
    return "" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    """Return a figure and its interval in little room, as in 0.423 (.362-.485)."""
    if interval is None:
        return number(value)
    low, high = (number(bound).removeprefix("0") for bound in interval)
    return f"{number(value)} ({low}-{high})"


def _show_figures(result: Mapping[str, Any]) -> None:
    table = Table("", "figure", "value", "95 % interval", box=None)
    for group in ("answerable", "unanswerable"):
        table.add_row(f"{group} (n={result[group]['n']})", "", "", "")
        for name in result[group]:
            if name != "n":
                value, interval = figure_of(result, group, name)
                table.add_row("", name, number(value), span(interval))
    table.add_row(f"all (n={result['n']})", "", "", "")
    for name in ("overall_f1", "answered", "false_answers", "unsupported_sentences"):
        value, interval = figure_of(result, "", name)
        table.add_row("", name, number(value), span(interval))
    out.print(table)
    latency = result["latency_ms"]
    out.print(f"latency p50 {number(latency['p50'], 0)} ms, p95 {number(latency['p95'], 0)} ms")


def _models(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{kind} {name}" for kind, name in result["models"].items())
