"""Tell whether what is removed from the library comes back with the next ingestion of its folder."""

import re
from collections.abc import Sequence
from pathlib import Path

from ingest.discovery import IGNORE_FILE, is_left_out
from ingest.roots import folder_of
from rag_app.errors import FolderError
from rag_app.records import Document

# Signs of .gitignore's syntax, which stand for themselves behind a backslash.
_SIGNS = re.compile(r"([\\*?\[\]])")


def list_coming_back(documents: Sequence[Document]) -> list[Document]:
    """Return the documents whose file is still where it was found, and is not ignored there."""
    return [document for document in documents if _comes_back(document)]


def tell_coming_back(returning: Sequence[Document], home: Path) -> str | None:
    """Say that documents come back, and what prevents it; None where there are none.

    ``home`` is the library's, in which uploads are kept.
    """
    if not returning:
        return None
    first = returning[0]
    folder = folder_of(first)
    if len(returning) > 1:
        return (
            f"The files of {len(returning)} of them are still in their folders: the next ingestion of a folder brings "
            f"them back. Move or delete the files, or list them in {IGNORE_FILE} there, if they are to stay away."
        )
    if Path(first.path).is_relative_to((home / "uploads").resolve()):
        return (
            f"Its upload is still at {first.path} and will be taken up again. Delete that file if it is to stay away."
        )
    return (
        f"Its file is still at {first.path}: the next ingestion of {folder} brings it back. If it is to stay away, "
        f"move or delete the file, or put the line {ignoring_line(first.name)} into {folder / IGNORE_FILE}."
    )


def ignoring_line(name: str) -> str:
    """Return the line of an ignore file that stands for just the file ``name`` of its folder."""
    return "/" + _SIGNS.sub(r"\\\1", name)


def _comes_back(document: Document) -> bool:
    try:
        return Path(document.path).is_file() and not is_left_out(document.name, folder_of(document))
    except (OSError, FolderError):
        # What cannot be looked at cannot be ingested either.
        return False
