"""Measure ingestion, search, answers and memory on this machine: ``python -m rag_app.benchmark FOLDER``.

Every run ingests the folder into a library of its own that is thrown away afterwards; the models are those of the
settings. Figures are of wall-clock time on a machine that does nothing else; each is told with its number of
observations and its spread.
"""

import json
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from ingest.pipeline import IngestOptions, PassageEmbedder, ingest_folder
from rag_app.answering.assistant import Assistant
from rag_app.answering.prompting import fitting_prompt
from rag_app.answering.sentences import complete_sentences
from rag_app.answering.writing import TextGenerator
from rag_app.assembly import (
    ingest_options,
    limits_of,
    open_belief,
    open_embedder,
    open_evidence,
    open_generator,
    open_library,
)
from rag_app.errors import DataError, RagError
from rag_app.json_lines import read_json_lines
from rag_app.library import Library
from rag_app.records import Sentence, contextual_text
from rag_app.settings import load_settings

PASSAGES = 8
LONG_PROMPT = 1050
"""Tokens; a prompt of whole chunks that fits comes to about 1,000."""
LONG_PROMPT_TEXTS = 12
LONG_PROMPT_QUESTIONS = 15
READING_TOKENS = 80


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that was measured several times."""

    name: str
    unit: str
    values: tuple[float, ...]

    def quantile(self, share: float) -> float:
        """Return the value below which ``share`` of the observations lie; 0 when there are none."""
        return float(np.quantile(self.values, share)) if self.values else 0.0

    def to_json(self) -> dict[str, Any]:
        named = {"p50": 0.5, "p95": 0.95, "lowest": 0.0, "highest": 1.0}
        quantiles = {name: round(self.quantile(share), 4) for name, share in named.items()}
        return {"name": self.name, "unit": self.unit, "n": len(self.values)} | quantiles


def read_questions(file: Path, limit: int) -> list[str]:
    """Return ``limit`` questions, evenly spread, of a file in the format of ``rag-app eval``.

    Raises:
        DataError: the file cannot be read, a line has no question, or there is no line.
    """
    rows = list(read_json_lines(file))
    for number, row in rows:
        if not isinstance(row.get("question"), str):
            raise DataError(f'{file}, line {number}, has no "question". Name another file with --questions.')
    if not rows:
        raise DataError(f"{file} holds no question. Name another file with --questions.")
    return [row["question"] for _, row in rows[:: max(1, len(rows) // limit)]][:limit]


def measure_ingestion(
    folder: Path,
    embedder: PassageEmbedder,
    *,
    options: IngestOptions,
    new_library: Callable[[], Library],
    repeats: int,
) -> list[Figure]:
    """Ingest ``folder`` anew ``repeats`` times, and embed the same chunks alone right after each time.

    Raises:
        DataError: the folder holds nothing that can be ingested.
    """
    documents, chunks, ratios = [], [], []
    for _ in range(repeats):
        library = new_library()
        started = time.perf_counter()
        report = ingest_folder(folder, library, embedder, options=options)
        whole = time.perf_counter() - started
        # Ingestion embeds identical texts once.
        texts = list(dict.fromkeys(_embedded_texts(library)))
        library.close()
        if not texts:
            raise DataError(f"{folder} holds nothing that can be ingested. Name another folder.")
        started = time.perf_counter()
        embedder.embed_passages(texts)
        alone = time.perf_counter() - started
        documents.append(len(report.added) / whole)
        chunks.append(report.chunks / whole)
        ratios.append(whole / alone)
    return [
        Figure("ingestion, documents", "1/s", tuple(documents)),
        Figure("ingestion, chunks", "1/s", tuple(chunks)),
        Figure("ingestion, of the embedder alone", "times", tuple(ratios)),
    ]


def measure_search(assistant: Assistant, questions: Iterable[str]) -> list[Figure]:
    """Search once for every question, the weighing of what was found included."""
    times = []
    for question in questions:
        started = time.perf_counter()
        assistant.search(question, PASSAGES)
        times.append(_milliseconds_since(started))
    return [Figure("search", "ms", tuple(times))]


def measure_answers(assistant: Assistant, questions: Iterable[str]) -> list[Figure]:
    """Ask every question once. An answer's first words are its first checked sentence; an abstention has none."""
    first: list[float] = []
    answered: list[float] = []
    abstained: list[float] = []
    for question in questions:
        started = time.perf_counter()
        reply = assistant.ask(question)
        waited = [_milliseconds_since(started) for step in reply if isinstance(step, Sentence)]
        total = _milliseconds_since(started)
        first.extend(waited[:1])
        (answered if waited else abstained).append(total)
    return [
        Figure("answer, first words", "ms", tuple(first)),
        Figure("answer, total", "ms", tuple(answered)),
        Figure("abstention, total", "ms", tuple(abstained)),
    ]


def measure_reading(generator: TextGenerator, texts: Sequence[str], questions: Iterable[str]) -> list[Figure]:
    """Let the generator answer each question from a prompt of about LONG_PROMPT tokens of ``texts``, best or not."""
    prompts: list[float] = []
    first: list[float] = []
    totals: list[float] = []
    for number, question in enumerate(questions):
        turned = [*texts[number:], *texts[:number]]
        _, prompt = fitting_prompt(
            question, turned[:LONG_PROMPT_TEXTS], count_tokens=generator.count_tokens, budget_tokens=LONG_PROMPT
        )
        started = time.perf_counter()
        written, sentence = "", 0.0
        for piece in generator.stream(prompt, max_new_tokens=READING_TOKENS):
            written += piece
            # What is shown first is the sentence after the short answer.
            if not sentence and complete_sentences(written.partition("\n")[2]):
                sentence = _milliseconds_since(started)
        totals.append(_milliseconds_since(started))
        first.append(sentence or totals[-1])
        prompts.append(float(generator.count_tokens(prompt)))
    return [
        Figure("long prompt", "tokens", tuple(prompts)),
        Figure("long prompt, first sentence", "ms", tuple(first)),
        Figure("long prompt, total", "ms", tuple(totals)),
    ]


def measure_questions(assistant: Assistant, questions: list[str]) -> list[Figure]:
    """Search for and ask every question, after one of each that is not counted: it sets up what later ones use."""
    measure_search(assistant, questions[:1])
    measure_answers(assistant, questions[:1])
    return measure_search(assistant, questions) + measure_answers(assistant, questions)


def peak_memory_mib(who: int = resource.RUSAGE_SELF) -> float:
    """Return the most memory that this process has held so far; with RUSAGE_CHILDREN, the largest that it started."""
    peak = resource.getrusage(who).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def describe_machine() -> dict[str, Any]:
    """Return what a reader needs to know to compare figures."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


app = typer.Typer(add_completion=False)


@app.command()
def measure(
    folder: Annotated[Path, typer.Argument(help="The folder whose documents are ingested.")],
    questions: Annotated[
        Path | None,
        typer.Option(
            help="JSONL file of questions; by default questions.jsonl beside the folder. None: ingestion alone."
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often the folder is ingested.")] = 3,
    limit: Annotated[int, typer.Option(min=1, help="How many questions are searched for and asked.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure ingestion, search, answers and memory on this machine."""
    progress = Console(stderr=True, soft_wrap=True)
    try:
        beside = folder.parent / "questions.jsonl"
        asked = read_questions(questions or beside, limit) if questions or beside.exists() else []
        figures = _measure_all(folder, asked, repeats=repeats, progress=progress)
    except RagError as error:
        progress.print(f"Error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    if as_json:
        print(json.dumps({"machine": describe_machine(), "figures": [f.to_json() for f in figures]}, indent=2))
    else:
        print_table(figures)


def _measure_all(folder: Path, questions: list[str], *, repeats: int, progress: Console) -> list[Figure]:
    settings = load_settings()
    options = ingest_options(settings, collection="default")
    embedder = open_embedder(settings)
    with TemporaryDirectory(prefix="rag_app_benchmark_") as place:
        homes = (Path(place) / str(number) for number in count())

        def new_library() -> Library:
            return open_library(replace(settings, home=next(homes), database_url=""), embedder)

        progress.print(f"Ingesting {folder} {repeats} times")
        figures = measure_ingestion(folder, embedder, options=options, new_library=new_library, repeats=repeats)
        figures.append(Figure("ingestion, peak memory", "MiB", (peak_memory_mib(),)))
        readers = peak_memory_mib(resource.RUSAGE_CHILDREN)
        figures.append(Figure("ingestion, peak memory of a reader", "MiB", (readers,)))
        if not questions:
            return figures
        with new_library() as library:
            ingest_folder(folder, library, embedder, options=options)
            generator = open_generator(settings)
            assistant = Assistant(
                library,
                embedder,
                evidence=open_evidence(settings),
                generator=generator,
                belief=open_belief(settings),
                limits=limits_of(settings),
            )
            progress.print(f"Searching for and asking {len(questions)} questions")
            figures += measure_questions(assistant, questions)
            figures += measure_reading(generator, list(_embedded_texts(library)), questions[:LONG_PROMPT_QUESTIONS])
    return [*figures, Figure("answers included, peak memory", "MiB", (peak_memory_mib(),))]


def _embedded_texts(library: Library) -> Iterator[str]:
    for document in library.documents():
        for chunk in library.chunks(document.id):
            yield contextual_text(document.title, chunk.heading, chunk.text)


def _milliseconds_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def print_table(figures: Iterable[Figure]) -> None:
    """Print the machine and a line for each figure."""
    out = Console(soft_wrap=True, highlight=False)
    out.print(", ".join(f"{name} {value}" for name, value in describe_machine().items()))
    table = Table("", "unit", box=None)
    for heading in ("n", "p50", "p95", "lowest", "highest"):
        table.add_column(heading, justify="right")
    for figure in figures:
        digits = 2 if figure.unit == "times" else 1
        shown = (
            [f"{figure.quantile(share):,.{digits}f}" for share in (0.5, 0.95, 0.0, 1.0)] if figure.values else ["-"] * 4
        )
        table.add_row(figure.name, figure.unit, str(len(figure.values)), *shown)
    out.print(table)


if __name__ == "__main__":
    app()
