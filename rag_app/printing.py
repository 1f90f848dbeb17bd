"""Show results in a terminal, for people; ``--json`` is for programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rag_app.records import (
    Answer,
    Chunk,
    Document,
    Duplicate,
    FailedFile,
    IngestReport,
    Passage,
    Receipt,
    VerifyReport,
    Version,
    stand_apart,
)

out = Console(soft_wrap=True, highlight=False)


def show_answer(answer: Answer) -> None:
    """Print an answer and, below it, what each citation points to."""
    out.print(Text(_said(answer), style="bold"))
    if answer.kind == "small_talk":
        return
    if answer.standalone_question != answer.question:
        out.print(Text(f"Understood as: {answer.standalone_question}", style="dim"))
    out.print(Text(f"Confidence {answer.confidence:.0%}", style="dim"))
    for citation in answer.citations:
        place = _place(citation.document.name, citation.page, citation.heading)
        out.print(Text(f"\n[{citation.number}] {place}", style="cyan"))
        out.print(Padding(Text(f"“{citation.quote}”"), (0, 0, 0, 4)))
    if answer.abstained and answer.passages:
        out.print("\nClosest passages:")
        show_passages(answer.passages[:3])


def _said(answer: Answer) -> str:
    """Return an answer's text, its sentences on lines of their own where they are a list."""
    if not stand_apart(answer.sentences, answer.citations):
        return answer.text
    return "\n".join([*([answer.note] if answer.note else []), *(f"• {s.marked()}" for s in answer.sentences)])


def show_passages(passages: Sequence[Passage]) -> None:
    """Print passages, best first."""
    if not passages:
        out.print("Nothing found.")
    for passage in passages:
        place = _place(passage.document.name, passage.chunk.page, passage.chunk.heading)
        out.print(Text(f"{passage.rank}. {place}  ({passage.score:.2f})", style="cyan"))
        out.print(Padding(Text(passage.chunk.text), (0, 0, 0, 4)))


def show_ingest(report: IngestReport, *, dry_run: bool) -> None:
    """Print what an ingestion did, or would do."""
    changed = (("added", report.added), ("updated", report.updated), ("removed", report.removed))
    for verb, names in (*changed, ("read again", report.read_again)):
        for name in names[:20]:
            out.print(Text(f"  {verb}: {name}"))
        if len(names) > 20:
            out.print(f"  {verb}: and {len(names) - 20} more")
    for old, new in report.moved[:20]:
        out.print(Text(f"  moved: {old} to {new}"))
    if len(report.moved) > 20:
        out.print(f"  moved: and {len(report.moved) - 20} more")
    for failure in report.failures:
        out.print(Text(f"  failed: {failure.name}: {failure.reason}", style="red"))
    for warning in report.warnings:
        out.print(Text(f"  note: {warning}", style="yellow"))
    if report.skipped:
        out.print(f"  left out: {report.skipped} files of kinds that are not read, pictures without text, links")
    if report.read_again:
        out.print("  read again: these files are as they were, but readers or sizes of chunks have changed")
    start = "Would change: " if dry_run else ""
    out.print(
        f"{start}{len(report.added)} added, {len(report.updated)} updated, {len(report.moved)} moved, "
        f"{f'{len(report.read_again)} read again, ' if report.read_again else ''}"
        f"{len(report.removed)} removed, {report.unchanged} unchanged, {len(report.failures)} failed; "
        f"{report.chunks} chunks in {report.seconds:.1f} s."
    )


def show_documents(documents: Sequence[Document]) -> None:
    """Print a table of documents."""
    table = Table("ID", "Name", "Collection", "Pages", "Chunks", "Version", "Ingested", box=None)
    for d in documents:
        pages = "" if d.pages is None else str(d.pages)
        when = _when(d.ingested_at)
        table.add_row(str(d.id), escape(d.name), escape(d.collection), pages, str(d.chunks), str(d.version), when)
    out.print(table if documents else "The library is empty. Fill it with: rag-app ingest FOLDER")


def show_document(document: Document, chunks: Sequence[Chunk]) -> None:
    """Print a document's facts and its chunks."""
    for name, value in document.to_json().items():
        out.print(Text(f"{name:12} {value}"))
    for chunk in chunks:
        place = _place(f"chunk {chunk.id}, characters {chunk.start}-{chunk.end}", chunk.page, chunk.heading)
        out.print(Text(f"\n{place}", style="cyan"))
        out.print(Padding(Text(chunk.text), (0, 0, 0, 4)))


def show_versions(versions: Sequence[Version]) -> None:
    """Print the superseded versions of a document."""
    table = Table("Version", "Title", "Size", "Ingested", "Superseded", box=None)
    for v in versions:
        table.add_row(str(v.number), escape(v.title), str(v.size), _when(v.ingested_at), _when(v.superseded_at))
    out.print(table if versions else "It has not changed since it was first ingested.")


def show_duplicates(pairs: Sequence[Duplicate]) -> None:
    """Print pairs of documents that say nearly the same."""
    table = Table("Alike", "ID", "Name", "ID", "Name", box=None)
    for p in pairs:
        alike = "copy" if p.exact else f"{p.similarity:.0%}"
        one, other = p.document, p.other
        table.add_row(alike, str(one.id), escape(one.name), str(other.id), escape(other.name))
    out.print(table if pairs else "No two documents are that much alike.")


def show_failures(failures: Sequence[FailedFile]) -> None:
    """Print the files that could not be read, and why."""
    if not failures:
        out.print("Every file could be read.")
    for f in failures:
        times = "once" if f.attempts == 1 else f"{f.attempts} times"
        out.print(Text(f"{f.name} ({f.collection}; tried {times}, last on {_when(f.failed_at)})", style="cyan"))
        out.print(Padding(Text(f.reason), (0, 0, 0, 4)))


def show_receipts(receipts: Sequence[Receipt]) -> None:
    """Print what was removed and where it was then looked for."""
    if not receipts:
        out.print("Nothing has been removed.")
    for receipt in receipts:
        document, when = receipt.document, _when(receipt.removed_at)
        out.print(Text(f"Removed {document.name} (document {document.id} of {document.collection}) on {when} UTC."))
        out.print(
            f"  {receipt.chunks} chunks and {receipt.versions} older versions went with it. "
            f"Receipt {receipt.id}; found clean: {', '.join(receipt.checked)}."
        )


def show_verification(report: VerifyReport) -> None:
    """Print whether a library is sound, and every problem if it is not."""
    out.print(f"{report.documents} documents, {report.chunks} chunks, {report.vectors} vectors.")
    for problem in report.problems:
        out.print(Text(f"  {problem.kind}: {problem.detail}", style="red"))
    out.print("The library is sound." if not report.problems else "Heal it with: rag-app rebuild")


def show_models(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print what is known of models, a block each."""
    for entry in entries:
        out.print(Text(str(entry["name"]), style="bold"))
        for name, value in entry.items():
            if name != "name":
                out.print(Text(f"  {name:10} {value}"))


def _when(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M")


def _place(name: str, page: int | None, heading: str | None) -> str:
    return ", ".join(p for p in (name, f"page {page}" if page is not None else "", heading or "") if p)
