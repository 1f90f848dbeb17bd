"""Take every figure of the report, and write it: report.md, its pictures, and report.json with all that they show."""

import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag_app.answering.grounding import LEAST_SUPPORT
from rag_app.assembly import Application
from rag_app.errors import DataError
from rag_app.evaluation.claims import read_claims, run_claims
from rag_app.evaluation.datasets import Question, read_passages, read_questions
from rag_app.evaluation.drawing import draw_bars, draw_reliability, draw_risk_coverage
from rag_app.evaluation.evaluate import Mode, Run, Scored, System, run_questions
from rag_app.evaluation.figures import figure_of, report
from rag_app.evaluation.ranking import read_retrieval_set, run_queries
from rag_app.evaluation.report_text import write_report
from rag_app.evaluation.risk import describe_confidence
from rag_app.terminal import show_bar
from rag_app.workshop import EvaluationWorkshop, ablated_systems, our_system, plain_system, searches_of

UNBOUND = "without abstention"
ABLATED = 100
"""As many questions of the handbook are asked again without each part."""
ANSWER_SETS: tuple[tuple[str, Mode], ...] = (
    ("squad_v2_eval_articles", "given"), ("squad_v2_eval_articles", "open"), ("doc2dial_val", "given"),
    ("policyqa_test", "given"), ("boolq_dev", "given"),
)  # fmt: skip
CURVES = {("squad_v2_eval_articles", "given")}
"""Sets with unanswerable questions, on which the confidence is judged as well."""
CLAIM_SETS = ("fever_symmetric", "healthver_test")
RETRIEVAL_SETS = (("scifact", "qrels.tsv", "dev"), ("cranfield", "qrels.trec", None))
DRAWN = ("answerable", "answered_well")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: the handbook's questions, a sample of ``limit`` of each set, the sets of a folder of data."""

    questions: Path
    data: Path | None = None
    limit: int | None = None
    seed: int = 0

    @property
    def options(self) -> str:
        return f"{f' --limit {self.limit}' if self.limit else ''} --seed {self.seed}"


class Reporter:
    """Takes the figures of a plan, one section after another."""

    def __init__(self, application: Application, plan: Plan) -> None:
        self._application = application
        self._plan = plan
        self._workshop = EvaluationWorkshop(application)
        self._missing: list[str] = []

    def take(self) -> dict[str, Any]:
        """Return all figures, as report.json holds them.

        Raises:
            DataError: a file is not in its format.
        """
        plan, application = self._plan, self._application
        (unbound,) = ablated_systems(application, ["abstention"])
        systems = [our_system(application), plain_system(application), unbound]
        questions = read_questions(plan.questions, limit=plan.limit, seed=plan.seed)
        scored = self._ask(plan.questions, "open", questions, systems)
        command = f"rag-app eval {plan.questions} --mode open --system both{plan.options}"
        handbook = [self._compared("All its questions, open", command, plan.questions.name, scored)]
        test = [s for s in scored if s.question.split == "test"]
        # Of a sample, the test questions would be another sample than the command draws.
        if test and plan.limit is None:
            title = "Its test questions, by which nothing was chosen"
            handbook.append(self._compared(title, f"{command} --split test", plan.questions.name, test))
        confidence = [self._confidence("The sample handbook, open", "handbook", command, scored)]
        ablations = self._ablations(questions, scored)
        sets = self._answer_sets(systems, confidence)
        return {
            "version": version("rag_app"),
            "seed": plan.seed,
            "models": dict(application.assistant.models),
            "handbook": handbook,
            "ablations": ablations,
            "confidence": confidence,
            "sets": sets,
            "claims": self._claims(),
            "retrieval": self._retrieval(),
            "missing": self._missing,
        }

    def _ask(
        self,
        file: Path,
        mode: Mode,
        questions: list[Question],
        systems: list[System],
        known: list[Scored] | None = None,
    ) -> list[Scored]:
        run = Run(mode, self._workshop, self._application.embedder, others=read_passages(file))
        names = {s.name for s in systems}
        ids = {q.id for q in questions}
        had = [s for s in known or [] if s.system in names and s.question.id in ids]
        with show_bar(f"{file.name}, {mode}", len(questions) * len(systems) - len(had)) as advance:
            return run_questions(questions, systems, run, known=had, on_scored=lambda _: advance())

    def _compared(self, title: str, command: str, dataset: str, scored: list[Scored]) -> dict[str, Any]:
        names = [n for n in dict.fromkeys(s.system for s in scored) if n != UNBOUND]
        mode = scored[0].mode
        systems = {n: report(dataset, mode, [s for s in scored if s.system == n], seed=self._plan.seed) for n in names}
        return {"title": title, "command": command, "systems": systems}

    def _confidence(self, title: str, name: str, command: str, scored: list[Scored]) -> dict[str, Any]:
        threshold = self._application.settings.threshold
        runs = {"ours": UNBOUND, "plain": "plain"}
        curves = {n: describe_confidence([s for s in scored if s.system == run], threshold) for n, run in runs.items()}
        # The plain pipeline declines nothing: no point of its curve is the one in use.
        curves["plain"]["at_threshold"] = None
        return {
            "title": title,
            "command": f"{command} --ablate abstention",
            "curves": curves,
            "reliability": f"reliability-{name}.png",
            "risk": f"risk-coverage-{name}.png",
        }

    def _ablations(self, questions: list[Question], known: list[Scored]) -> dict[str, Any]:
        plan = self._plan
        asked = questions
        if len(questions) > ABLATED:
            asked = read_questions(plan.questions, limit=ABLATED, seed=plan.seed)
        systems = [our_system(self._application), *ablated_systems(self._application, ["all"])]
        scored = self._ask(plan.questions, "open", asked, systems, known)
        reports = {
            s.name: report(plan.questions.name, "open", [r for r in scored if r.system == s.name], seed=plan.seed)
            for s in systems
        }
        options = f"--limit {len(asked)} --seed {plan.seed}"
        return {
            "command": f"rag-app eval {plan.questions} --mode open --ablate all {options}",
            "systems": reports,
        }

    def _answer_sets(self, systems: list[System], confidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
        runs = []
        for name, mode in ANSWER_SETS:
            file = self._find(f"{name}.jsonl")
            if file is None:
                continue
            questions = read_questions(file, limit=self._plan.limit, seed=self._plan.seed)
            curved = (name, mode) in CURVES
            scored = self._ask(file, mode, questions, systems if curved else systems[:2])
            command = f"rag-app eval DATA/{file.name} --mode {mode} --system both{self._plan.options}"
            runs.append(self._compared(f"{name}, {mode}", command, file.name, scored))
            if curved:
                confidence.append(self._confidence(f"{name}, {mode}", name, command, scored))
        return runs

    def _claims(self) -> list[dict[str, Any]]:
        plan, runs = self._plan, []
        for name in CLAIM_SETS:
            file = self._find(f"{name}.jsonl")
            if file is None:
                continue
            claims = read_claims(file, limit=plan.limit, seed=plan.seed)
            with show_bar(file.name, len(claims)) as advance:
                figures = run_claims(
                    claims, self._application.evidence, threshold=LEAST_SUPPORT, seed=plan.seed, on_claim=advance
                )
            command = f"rag-app eval claims DATA/{file.name}{plan.options}"
            runs.append({"dataset": name, "command": command, **figures})
        return runs

    def _retrieval(self) -> list[dict[str, Any]]:
        plan, runs = self._plan, []
        for name, judged, split in RETRIEVAL_SETS:
            files = [self._find(f"{name}.{part}") for part in ("corpus.jsonl", "queries.jsonl", judged)]
            corpus, queries, qrels = files
            if corpus is None or queries is None or qrels is None:
                continue
            data = read_retrieval_set(corpus, queries, qrels, split=split, limit=plan.limit, seed=plan.seed)
            with self._workshop.library_of(list(data.corpus.values())) as library:
                searches = searches_of(self._application, library)
                with show_bar(f"{name}, retrieval", len(searches) * len(data.queries)) as advance:
                    figures = run_queries(data, searches, seed=plan.seed, on_query=advance)
            among = f" --split {split}" if split else ""
            command = (
                f"rag-app eval retrieval --corpus DATA/{corpus.name} --queries DATA/{queries.name} "
                f"--qrels DATA/{qrels.name}{among}{plan.options}"
            )
            runs.append({"title": name, "command": command, **figures})
        return runs

    def _find(self, name: str) -> Path | None:
        """Return the file of this name in the folder of data, compressed or not; note it if it is missing."""
        folder = self._plan.data
        if folder is None:
            return None
        found = next((folder / n for n in (name, f"{name}.gz") if (folder / n).is_file()), None)
        if found is None and name not in self._missing:
            self._missing.append(name)
        return found


def write_files(results: dict[str, Any], folder: Path) -> None:
    """Write report.md, report.json and the pictures into a folder."""
    for part in results["confidence"]:
        draw_reliability(part["curves"]["ours"], folder / part["reliability"])
        draw_risk_coverage(part["curves"], folder / part["risk"])
    if results["sets"]:
        draw_bars([(_label(run), _bars(run)) for run in results["sets"]], folder / "sets.png")
    (folder / "report.md").write_text(write_report(results), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def make_folder(folder: Path) -> None:
    """Make the folder of a report, at once: a long run must not end in finding that it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.md").touch()
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror or error}. Name another folder.") from error


def _label(run: dict[str, Any]) -> str:
    return f"{run['title']}\nn = {next(iter(run['systems'].values()))['answerable']['n']}"


def _bars(run: dict[str, Any]) -> dict[str, Any]:
    return {
        name: (value, interval)
        for name, system in run["systems"].items()
        for value, interval in [figure_of(system, *DRAWN)]
        if value is not None
    }
