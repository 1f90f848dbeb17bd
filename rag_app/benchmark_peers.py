"""Compare ingestion with that of other libraries: ``python -m rag_app.benchmark_peers --python PYTHON [FOLDER]``.

Everyone takes in the same folder once, in a fresh process, with the same weights and chunks of the same size; the
programs that do it lie in docker/peers. Without a folder it is the sample handbook and what documents the packages of
this environment bring along: real ones of many hands, on any machine.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rag_app.errors import DataError, RagError
from rag_app.models.catalogue import resolve_model
from rag_app.settings import load_settings

ROOT = Path(__file__).parents[1]
RUNNERS = ROOT / "docker" / "peers"
HANDBOOK = ROOT / "data" / "handbook"
PEERS = ("langchain", "llama_index", "haystack", "txtai")
SUFFIXES = (".md", ".rst", ".txt", ".html")
NO_DOCUMENTS = ("top_level.txt", "entry_points.txt", "vendor.txt", "SOURCES.txt")
SMALLEST, LARGEST = 500, 200_000
"""Bytes of a document that is taken from the environment."""
SAMPLED_EVERY_SECONDS = 0.1
TABLE_WIDTH = 140


@dataclass(frozen=True, slots=True)
class Measured:
    """One run. ``words`` are counted once for each file; memory, in MiB, is that of all its processes.

    ``seconds`` are those of the ingestion, ``start`` those before and after it, ``processor`` those of every core.
    """

    name: str
    version: str
    files: int
    chunks: int
    characters: int
    words: int
    seconds: float
    start: float
    processor: float
    memory: float


def mixed_documents(environment: Path, limit: int) -> list[Path]:
    """Return up to ``limit`` different documents that lie below a folder, evenly spread over it."""
    found: dict[str, Path] = {}
    for file in sorted(environment.rglob("*")):
        if file.suffix not in SUFFIXES or file.name in NO_DOCUMENTS or not file.is_file():
            continue
        if SMALLEST <= file.stat().st_size <= LARGEST:
            # One licence lies in many packages; only the first is new to anyone.
            found.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), file)
    files = list(found.values())
    return files[:: max(1, len(files) // limit)][:limit] if limit else []


def gather(folder: Path, files: Iterable[Path]) -> None:
    """Copy files into a folder under names of their own."""
    folder.mkdir(parents=True)
    for number, file in enumerate(files):
        shutil.copyfile(file, folder / f"{number:04}-{file.name}")


def measure(name: str, command: Sequence[str | Path], *, report: Path) -> Measured:
    """Run a command that writes ``report``, and watch its time and memory.

    Raises:
        DataError: the command failed or wrote no report.
    """
    started = time.perf_counter()
    # Nobody's run asks a hub or tells anyone.
    quiet = {"HF_HUB_OFFLINE": "1", "HAYSTACK_TELEMETRY_ENABLED": "False", "PYTHONWARNINGS": "ignore"}
    log = report.with_suffix(".log")
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=os.environ | quiet, stdout=stream, stderr=subprocess.STDOUT)
        memory, processor = _watch(process)
    whole = time.perf_counter() - started
    if process.returncode or not report.is_file():
        last = log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
        raise DataError(f"{name} ended with status {process.returncode}: {last or 'no word'}. Its whole output: {log}")
    told = json.loads(report.read_text(encoding="utf-8"))
    return Measured(name=name, **told, start=whole - told["seconds"], processor=processor, memory=memory)


def _watch(process: "subprocess.Popen[bytes]") -> tuple[float, float]:
    """Wait for a process; return the most memory, in MiB, and the processor's time that it and its children took."""
    before, peak = os.times(), 0.0
    while process.poll() is None:
        peak = max(peak, memory_mib(process.pid))
        time.sleep(SAMPLED_EVERY_SECONDS)
    after = os.times()
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    return peak, taken


def memory_mib(pid: int) -> float:
    """Return what a process and its children hold now, shared pages shared out; 0 where the system does not tell."""
    place = Path("/proc") / str(pid)
    try:
        rollup = (place / "smaps_rollup").read_text(encoding="ascii")
        children = (place / "task" / str(pid) / "children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    own = next((int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0.0)
    return own + sum(memory_mib(int(child)) for child in children)


def print_table(ours: Measured, peers: Sequence[Measured], *, out: Console) -> None:
    """Print a line for every run; the ratios say how many times as much of each second we make."""
    table = Table(box=None)
    for heading in ("", "version"):
        table.add_column(heading, no_wrap=True)
    for heading in ("files", "chunks", "words", "start s", "seconds", "processor s", "MiB", "files/s", "chunks/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("ours, chunks/s", "ours, words/s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in (ours, *peers):
        times = [f"{value:.1f}" for value in (run.start, run.seconds, run.processor)]
        rates = [f"{value / run.seconds:.1f}" for value in (run.files, run.chunks)]
        ratios = [f"{_ratio(ours, run, what):.2f} ×" for what in ("chunks", "words")]
        counts = [f"{value:,}" for value in (run.files, run.chunks, run.words)]
        table.add_row(run.name, run.version, *counts, *times, f"{run.memory:,.0f}", *rates, *ratios)
    out.print(table)


def _ratio(ours: Measured, other: Measured, what: str) -> float:
    mine, theirs = getattr(ours, what) / ours.seconds, getattr(other, what) / other.seconds
    return float(mine / theirs) if theirs else float("inf")


app = typer.Typer(add_completion=False)


@app.command()
def compare(
    folder: Annotated[Path | None, typer.Argument(help="The folder to take in; else a mixed one is made.")] = None,
    python: Annotated[Path, typer.Option(help="The Python of the environment with the peers.")] = Path(sys.executable),
    limit: Annotated[int, typer.Option(min=0, help="How many documents to take from the environment.")] = 300,
    peer: Annotated[list[str] | None, typer.Option(help="Compare with this peer only; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare our ingestion with that of the peers, on the same folder with the same weights."""
    progress = Console(stderr=True, soft_wrap=True)
    try:
        with TemporaryDirectory(prefix="rag_app_peers_") as place:
            if folder is None:
                folder = Path(place) / "folder"
                handbook = sorted(file for file in HANDBOOK.rglob("*.*") if file.is_file())
                gather(folder, [*handbook, *mixed_documents(Path(sys.prefix), limit)])
            ours, *others = measure_all(folder, Path(place), python=python, peers=peer or PEERS, progress=progress)
    except RagError as error:
        progress.print(f"Error: {error}", style="red", markup=False, highlight=False)
        raise typer.Exit(1) from error
    out = Console(soft_wrap=True, highlight=False, width=TABLE_WIDTH)
    if as_json:
        out.print_json(json.dumps({"runs": [asdict(run) for run in (ours, *others)]}))
    else:
        print_table(ours, others, out=out)


def measure_all(folder: Path, place: Path, *, python: Path, peers: Sequence[str], progress: Console) -> list[Measured]:
    """Take in a folder with rag_app, then with every peer; a peer that fails is told of and left out.

    Raises:
        DataError: the folder is empty, or rag_app itself failed.
    """
    settings = load_settings()
    weights = resolve_model(settings.embedder, kind="embedder", home=settings.home).folder
    files = sum(1 for file in folder.rglob("*") if file.is_file())
    if not files:
        raise DataError(f"{folder} holds no file. Name another folder.")
    progress.print(f"{files} files in {folder}, weights in {weights}")
    runs: list[Measured] = []
    for name in ("rag_app", *peers):
        progress.print(f"Measuring {name}")
        runner, report = RUNNERS / f"run_{name}.py", place / f"{name}.json"
        interpreter = sys.executable if name == "rag_app" else python
        try:
            runs.append(measure(name, [interpreter, runner, folder, weights, report], report=report))
        except DataError as error:
            if not runs:
                raise
            kept = shutil.copy(report.with_suffix(".log"), Path(f"{name}.log").absolute())
            progress.print(f"{error} (kept in {kept})", style="yellow", markup=False, highlight=False)
    return runs


if __name__ == "__main__":
    app()
