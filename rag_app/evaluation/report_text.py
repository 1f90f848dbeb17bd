"""Write a report as Markdown that a person can read: every figure with its n, its interval and its command."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rag_app.evaluation.figures import SIDE_BY_SIDE, figure_of

MEANINGS = """\
- *contains the answer*: of the answerable questions, the share whose answer contains a gold answer; *answered well*
  also takes an F1 of a half with one. *F1* is SQuAD 2.0's, to which silence on an unanswerable question is right.
- *declined*: the share of questions that got no answer. *False answers*: of the answers that were given, the share that
  is wrong or to a question without an answer.
- *citation precision*: of the citations, the share whose quote lies in a gold passage. *Unsupported sentences*: of the
  sentences, the share that fails a check of numbers, words and nearness of meaning that answering does not use.
- *plain* is the naive pipeline on the same models: the three nearest passages and one prompt.
- In brackets: 95 % bootstrap intervals over questions. A question that could not be asked counts as answered wrongly.
"""


def write_report(results: Mapping[str, Any]) -> str:
    """Return the whole report."""
    sections = [
        "# Figures of rag_app\n",
        f"Version {results['version']}, seed {results['seed']}. Models: {_models(results['models'])}.\n",
        "How to read the tables:\n",
        MEANINGS,
        "## The sample handbook\n",
        *(_answers(run) for run in results["handbook"]),
        *_ablations(results["ablations"]),
        *_confidence(results["confidence"]),
    ]
    if results["sets"]:
        sections += ["## Public sets\n", "![Ours and plain, by set](sets.png)\n", *map(_answers, results["sets"])]
    if results["claims"]:
        sections += ["## Claims: supported or not\n", _claims(results["claims"])]
    if results["retrieval"]:
        sections += ["## Retrieval\n", *map(_retrieval, results["retrieval"])]
    if results["missing"]:
        sections.append(f"Not measured, for these files were not in the folder: {', '.join(results['missing'])}.\n")
    return "\n".join(sections)


def _answers(run: Mapping[str, Any]) -> str:
    systems = run["systems"]
    first = next(iter(systems.values()))
    counts = f"{first['answerable']['n']} answerable, {first['unanswerable']['n']} unanswerable"
    rows = [
        [heading, *(_cell(*figure_of(report, group, name)) for report in systems.values())]
        for heading, group, name in SIDE_BY_SIDE
    ]
    rows.append(["latency p50, ms", *(_number(report["latency_ms"]["p50"], 0) for report in systems.values())])
    table = _table(["", *systems], rows)
    title = f"### {run['title']} (n = {first['n']}: {counts})\n"
    return "\n".join([title, _command(run["command"]), table])


def _ablations(run: Mapping[str, Any]) -> list[str]:
    systems = run["systems"]
    rows = [
        [name, *(_number(figure_of(report, group, figure)[0]) for _, group, figure in SIDE_BY_SIDE),
         _number(report["latency_ms"]["p50"], 0)]
        for name, report in systems.items()
    ]  # fmt: skip
    heading = f"## What each part is worth (n = {next(iter(systems.values()))['n']})\n"
    named = ["", *(name for name, _, _ in SIDE_BY_SIDE), "p50, ms"]
    return [heading, _command(run["command"]), _table(named, rows)]


def _confidence(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    written = ["## What the confidence is worth\n"]
    for part in parts:
        ours = part["curves"]["ours"]
        ece = "there were no answers" if ours["ece"] is None else f"the expected calibration error is {ours['ece']:.3f}"
        reached = ours["at_threshold"]
        at = (
            f"At the threshold of {ours['threshold']:g}, {reached['coverage']:.0%} of the questions are answered and "
            f"{reached['risk']:.0%} of these answers are wrong."
            if reached
            else f"No answer reaches the threshold of {ours['threshold']:g}."
        )
        rows = [
            [name, _number(curve["aurc"]), *(f"{share:.0%}" for share in curve["coverage_at_risk"].values())]
            for name, curve in part["curves"].items()
        ]
        risks = [f"answered with at most {float(risk):.0%} wrong" for risk in ours["coverage_at_risk"]]
        written += [
            f"### {part['title']} (n = {ours['n']})\n",
            _command(part["command"]),
            f"Answered without a threshold, {ece} (n = {ours['answers']} answers). {at}\n",
            f"![Confidence and share right]({part['reliability']}) ![Risk and coverage]({part['risk']})\n",
            _table(["", "area under the curve (AURC)", *risks], rows),
        ]
    return written


def _claims(runs: Iterable[Mapping[str, Any]]) -> str:
    names = ("balanced_accuracy", "auroc", "supported_found", "unsupported_refused")
    rows, commands = [], []
    for run in runs:
        figures = (_cell(run[name], run["intervals_95"][name]) for name in names)
        rows.append([f"{run['dataset']} (n = {run['n']}: {run['supported']} + {run['unsupported']})", *figures])
        commands.append(run["command"])
    headings = ["", "balanced accuracy", "AUROC", "supported ones found", "others refused"]
    return "\n".join([_command(*commands), _table(headings, rows)])


def _retrieval(run: Mapping[str, Any]) -> str:
    systems = run["systems"]
    rows = [
        [name, *(_cell(s["figures"][name], s["intervals_95"][name]) for s in systems.values())]
        for name in next(iter(systems.values()))["figures"]
    ]
    rows.append(["latency p50, ms", *(_number(s["latency_ms"]["p50"], 0) for s in systems.values())])
    title = f"### {run['title']} ({run['documents']} documents, n = {run['n']} queries)\n"
    return "\n".join([title, _command(run["command"]), _table(["", *systems], rows)])


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _command(*commands: str) -> str:
    return "```sh\n" + "\n".join(commands) + "\n```\n"


def _cell(value: float | None, interval: Sequence[float] | None) -> str:
    return f"{_number(value)} ({interval[0]:.3f} to {interval[1]:.3f})" if interval else _number(value)


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _models(models: Mapping[str, str]) -> str:
    return ", ".join(f"{kind} {name}" for kind, name in models.items())
