"""What a library needs looking after: files that could not be read, texts that are double, and what was removed."""

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from rag_app.records import Document, Duplicate, FailedFile, Receipt, Scope, Version
from ui.guard import told_in_words
from ui.markup import counted, escaped
from ui.read_only import check_may_change, is_read_only

if TYPE_CHECKING:
    from rag_app.library import Library

SHOWN = 50
ReadAgain = Callable[[FailedFile], bool]
VERSION_CHARACTERS = 20_000


def draw_upkeep(library: "Library", scope: Scope, *, read_again: ReadAgain | None = None) -> None:
    """Draw what is to be looked after in a scope; nothing where there is nothing.

    ``read_again`` has a file read at once, and says whether it may be; the others are read at the next ingestion.
    """
    failures = library.failures(scope)
    if failures:
        with st.expander(f"{counted(len(failures), 'file')} could not be read", icon=":material/error:"):
            _draw_failures(library, failures, read_again)
    receipts = library.receipts()
    with st.expander("Texts that are nearly the same", icon=":material/content_copy:"):
        if st.button("Compare all documents", key="compare"):
            with st.spinner("Comparing…"), told_in_words():
                st.html(duplicates_html(library.near_duplicates(scope)))
    if receipts:
        with st.expander(f"{counted(len(receipts), 'removal')}, with receipts", icon=":material/receipt_long:"):
            st.html(receipts_html(receipts))


def draw_versions(library: "Library", document: Document) -> None:
    """Draw what a document was before, and let one of its earlier texts be read."""
    versions = library.versions(document.id)
    st.html(versions_html(document, versions))
    if not versions:
        return
    numbers = [version.number for version in reversed(versions)]
    number = st.selectbox(
        "Read an earlier version",
        numbers,
        format_func=lambda n: f"Version {n}",
        index=None,
        key=f"version-{document.id}",
    )
    if number is not None:
        text = library.version_text(document.id, number)
        shown, rest = text[:VERSION_CHARACTERS], len(text) - VERSION_CHARACTERS
        more = f'<p class="quiet">and {rest:,} characters more</p>' if rest > 0 else ""
        st.html(
            f'<div class="reading" dir="auto" tabindex="0" role="region" aria-label="Version {number}">{escaped(shown)}'
            f"</div>{more}"
        )


def said_of(receipts: Sequence[Receipt]) -> str:
    """Return in words what was removed, and where it was then looked for."""
    chunks = sum(receipt.chunks for receipt in receipts)
    what = receipts[0].document.name if len(receipts) == 1 else counted(len(receipts), "document")
    everywhere = set.intersection(*(set(receipt.checked) for receipt in receipts))
    checked = [store for store in receipts[0].checked if store in everywhere]
    found = f"\nLooked for afterwards, and not found, in: {', '.join(checked)}." if checked else ""
    return f"Removed {what} with {counted(chunks, 'chunk')}.{found}"


def duplicates_html(pairs: Sequence[Duplicate]) -> str:
    """Return the pairs of documents that say nearly the same, the most alike first."""
    if not pairs:
        return '<p class="quiet">No two documents share most of their text.</p>'
    items = "".join(
        f'<li><span class="figure-first">{"same" if pair.exact else f"{pair.similarity:.0%}"}</span>'
        f'<span class="name">{escaped(pair.document.name)}</span><span class="state">and</span>'
        f'<span class="name">{escaped(pair.other.name)}</span></li>'
        for pair in pairs[:SHOWN]
    )
    return f'<ul class="lines">{items}</ul>{_more(len(pairs))}'


def receipts_html(receipts: Sequence[Receipt]) -> str:
    """Return what was removed, the latest first."""
    items = "".join(
        f'<li><span class="name">{escaped(receipt.document.name)}</span><span class="state">'
        f"{receipt.removed_at:%Y-%m-%d %H:%M} UTC · {counted(receipt.chunks, 'chunk')}"
        f"{_earlier(receipt.versions)}</span>"
        f'<p class="state wide">Found clean: {escaped(", ".join(receipt.checked) or "not looked for yet")}</p></li>'
        for receipt in list(reversed(receipts))[:SHOWN]
    )
    return f'<ul class="lines">{items}</ul>{_more(len(receipts))}'


def versions_html(document: Document, versions: Sequence[Version]) -> str:
    """Return the versions of a document, the present one first."""
    lines = [
        f'<li><span class="name">Version {document.version}</span><span class="state">'
        f"since {document.ingested_at:%Y-%m-%d %H:%M} UTC, the one that is searched</span></li>"
    ]
    lines += [
        f'<li><span class="name">Version {version.number}</span><span class="state">'
        f"{version.ingested_at:%Y-%m-%d %H:%M} to {version.superseded_at:%Y-%m-%d %H:%M} UTC · {version.size:,} bytes"
        "</span></li>"
        for version in reversed(versions)
    ]
    return f'<ul class="lines">{"".join(lines)}</ul>'


def _earlier(versions: int) -> str:
    return f" · {counted(versions, 'earlier version')}" if versions else ""


def _draw_failures(library: "Library", failures: Sequence[FailedFile], read_again: ReadAgain | None) -> None:
    st.html(
        '<p class="quiet">Those in folders are read again when they change, when a newer version of rag_app can read '
        "more, or when you let them be tried again. Those that were uploaded were not kept.</p>"
    )
    for failure in failures[:SHOWN]:
        # By the file and not by its place in the list: the second of two quick clicks must not meet the next file.
        key = hashlib.sha256(f"{failure.collection}/{failure.path}".encode()).hexdigest()[:16]
        with st.container(horizontal=True, key=f"failure-{key}", vertical_alignment="top"):
            st.html(failure_html(failure))
            if is_read_only():
                continue
            st.button(
                "Dismiss" if _was_uploaded(failure) else "Try again",
                key=f"retry-{key}",
                help="Take it off this list" if _was_uploaded(failure) else "Read it now, or at the next ingestion",
                type="tertiary",
                on_click=_act,
                args=(library, failure, read_again),
            )
    if len(failures) > SHOWN:
        st.html(_more(len(failures)))


def failure_html(failure: FailedFile) -> str:
    """Return a file that could not be read, with the reason and what to do about it."""
    again = '<p class="state wide">Add it again once it is mended.</p>' if _was_uploaded(failure) else ""
    tried = f"tried {failure.attempts} times, last " if failure.attempts > 1 else ""
    return (
        f'<ul class="lines"><li class="failed"><span class="dot"></span>'
        f'<span class="name">{escaped(failure.name)}</span>'
        f'<span class="state">{tried}{failure.failed_at:%Y-%m-%d %H:%M} UTC</span>'
        f'<p class="reason">{escaped(failure.reason)}</p>{again}</li></ul>'
    )


def _was_uploaded(failure: FailedFile) -> bool:
    """Whether the file came from a browser, and went when it failed: its time of change is not known then."""
    return not failure.mtime_ns


def _act(library: "Library", failure: FailedFile, read_again: ReadAgain | None) -> None:
    with told_in_words():
        check_may_change()
        if _was_uploaded(failure) or not read_again or not read_again(failure):
            library.forget_failure(failure.collection, failure.path)


def _more(count: int) -> str:
    return f'<p class="quiet">and {count - SHOWN:,} more</p>' if count > SHOWN else ""
