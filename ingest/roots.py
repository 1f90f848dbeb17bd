"""A collection follows a folder by the name that it was given, wherever that name leads.

Documents are recorded by the real path of their file. Where the name is a link that was switched to another folder,
such as the next release of a manual, what was found under the name before is what is found under it now.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from rag_app.records import Document

# No file has this time, so that every file is compared by its content: releases often share their times.
_NEVER_READ = -1


@dataclass(slots=True)
class Followed:
    """The documents of a collection as they are to be seen, and those of them that must be recorded anew."""

    documents: list[Document] = field(default_factory=list)
    changed: list[Document] = field(default_factory=list)


def name_of(folder: Path) -> str:
    """Return a folder as it was named, in full, but with no link resolved save those before a ".."."""
    steps = folder.expanduser().parts
    # Behind a link ".." leads to where the link leads from, not back to where it stands.
    up = max((place for place, step in enumerate(steps, start=1) if step == ".."), default=0)
    return os.path.abspath(Path(*steps[:up]).resolve().joinpath(*steps[up:]))  # noqa: PTH100 - it resolves no link


def folder_of(document: Document) -> Path:
    """Return the real folder below which a document was found."""
    path, steps = Path(document.path), PurePosixPath(document.name).parts
    return Path(*path.parts[: -len(steps)]) if path.parts[-len(steps) :] == steps else Path(document.root)


def follow(documents: Iterable[Document], *, root: Path, named: str) -> Followed:
    """Return the documents with those of the folder ``named``, which is ``root`` now, at their places below it.

    A place that another document has already stays its own; then the one of the former folder is left where it was.
    """
    followed = Followed()
    documents = list(documents)
    taken = {document.path for document in documents}
    for document in documents:
        folder = folder_of(document)
        seen = document
        if folder == root and document.root != named:
            # The name that it was last given by is the one that it is followed by.
            seen = replace(document, root=named)
        elif folder != root and document.root == named:
            path = str(root / document.name)
            if path not in taken:
                taken.add(path)
                seen = replace(document, path=path, mtime_ns=_NEVER_READ)
        followed.documents.append(seen)
        if seen is not document:
            followed.changed.append(seen)
    return followed
