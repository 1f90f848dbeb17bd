"""The commands that show what the library holds and has held, and remove it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from rag_app import printing
from rag_app.records import Document, Receipt, Scope
from rag_app.terminal import Json, OneCollection, errors, open_stored, print_result, scope_of

documents_app = typer.Typer(help="See and remove what the library holds.", no_args_is_help=True)

DocumentId = Annotated[int, typer.Argument(metavar="ID", help="Number of a document, as 'documents list' shows it.")]


@documents_app.command("list")
def list_documents(context: typer.Context, collection: OneCollection = None, as_json: Json = False) -> None:
    """List the documents of the library."""
    with open_stored(context) as library:
        found = library.documents(scope_of(library.collections(), collection))
        print_result({"documents": [d.to_json() for d in found]}, as_json, lambda: printing.show_documents(found))


@documents_app.command("show")
def show_document(context: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """Show what is known of a document, and the chunks it was split into."""
    with open_stored(context) as library:
        document, chunks = library.document(document_id), library.chunks(document_id)
        details = [
            {"id": c.id, "start": c.start, "end": c.end, "page": c.page, "heading": c.heading, "text": c.text}
            for c in chunks
        ]
        print_result(
            document.to_json() | {"chunk_list": details}, as_json, lambda: printing.show_document(document, chunks)
        )


@documents_app.command("text")
def print_text(
    context: typer.Context,
    document_id: DocumentId,
    version: Annotated[int | None, typer.Option(min=1, help="A superseded version; the current if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Print a document's extracted text exactly; the offsets of citations count its characters."""
    with open_stored(context) as library:
        text = library.text(document_id) if version is None else library.version_text(document_id, version)
        print_result({"id": document_id, "text": text}, as_json, lambda: sys.stdout.write(text))


@documents_app.command("versions")
def list_versions(context: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """List what a document was before it changed; 'documents text ID --version N' prints one."""
    with open_stored(context) as library:
        found = library.versions(document_id)
        shown = {"id": document_id, "versions": [version.to_json() for version in found]}
        print_result(shown, as_json, lambda: printing.show_versions(found))


@documents_app.command("duplicates")
def list_duplicates(
    context: typer.Context,
    threshold: Annotated[
        float, typer.Option(min=0.05, max=1.0, help="Share of the text that two documents must have in common.")
    ] = 0.8,
    collection: OneCollection = None,
    as_json: Json = False,
) -> None:
    """List pairs of documents that say the same or nearly the same, the likest first."""
    with open_stored(context) as library:
        found = library.near_duplicates(scope_of(library.collections(), collection), threshold)
        shown = {"threshold": threshold, "duplicates": [pair.to_json() for pair in found]}
        print_result(shown, as_json, lambda: printing.show_duplicates(found))


@documents_app.command("failures")
def list_failures(context: typer.Context, collection: OneCollection = None, as_json: Json = False) -> None:
    """List the files that could not be read, with the reason; they are tried again when they change."""
    with open_stored(context) as library:
        found = library.failures(Scope() if collection is None else Scope(collections=(collection,)))
        if not found:
            scope_of(library.collections(), collection)
        print_result({"failures": [f.to_json() for f in found]}, as_json, lambda: printing.show_failures(found))


@documents_app.command("receipts")
def list_receipts(context: typer.Context, as_json: Json = False) -> None:
    """List what was removed, and the places that were then searched and found free of it."""
    with open_stored(context) as library:
        found = library.receipts()
        print_result({"receipts": [r.to_json() for r in found]}, as_json, lambda: printing.show_receipts(found))


@documents_app.command("remove")
def remove_document(context: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """Remove a document from the library; the file it came from stays where it is."""
    with open_stored(context) as library:
        document = library.document(document_id)
        receipt = library.remove(document_id)
    removed = {"removed": document.to_json(), "receipt": receipt.to_json()}
    _print_removal(removed, [document], receipts=[receipt], home=context.obj.home, as_json=as_json)


@documents_app.command("remove-collection")
def remove_collection(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the collection.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove without asking; scripts must say so.")] = False,
    as_json: Json = False,
) -> None:
    """Remove all documents of a collection at once; the files they came from stay where they are."""
    with open_stored(context) as library:
        documents = library.documents(scope_of(library.collections(), name))
        if not yes:
            _confirm(f"the {len(documents)} documents" if len(documents) > 1 else "the only document", name)
        receipts = library.remove_collection(name)
    removed = {"collection": name, "receipts": [receipt.to_json() for receipt in receipts]}
    _print_removal(removed, documents, receipts=receipts, home=context.obj.home, as_json=as_json)


def _print_removal(
    removed: dict[str, Any], documents: Sequence[Document], *, receipts: Sequence[Receipt], home: Path, as_json: bool
) -> None:
    """Print what was removed, and what of it comes back with the next ingestion."""
    from rag_app.coming_back import list_coming_back, tell_coming_back

    returning = list_coming_back(documents)
    removed["coming_back"] = [document.name for document in returning]
    print_result(removed, as_json, lambda: printing.show_receipts(receipts))
    note = tell_coming_back(returning, home)
    if note:
        errors.print(note, style="yellow", markup=False, highlight=False)


def _confirm(what: str, collection: str) -> None:
    """Ask on a terminal whether to remove; elsewhere nobody can be asked."""
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"This removes {what} of '{collection}', and nobody can be asked here. Add --yes.")
    if not typer.confirm(f"Remove {what} of the collection '{collection}' from the library?", err=True):
        errors.print("Nothing was removed.")
        raise typer.Exit(1)
