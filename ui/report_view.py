"""The latest report of ``rag-app eval report``: its tables as they were written, its pictures, and nothing else of it.

A report is a file like any other: nothing in it becomes markup, and only pictures beside it are shown. Which folder it
is read from is asked of nobody who could not have read it anyway.
"""

import json
import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from rag_app.errors import RagError
from rag_app.settings import Settings
from ui.guard import show_error
from ui.markup import escaped
from ui.server_folders import are_offered, checked_to_be_read

REPORT = "report.md"
MOST_BYTES = 2_000_000
MOST_PIXELS = 40_000_000
_FOLDER = "report_folder"
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([\w.-]+\.png)\)")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a report: HTML, or a picture with what it shows in words."""

    html: str = ""
    picture: Path | None = None
    shows: str = ""


def draw_report(settings: Settings) -> None:
    """Draw the latest report in the home folder, or the one in a folder that the reader names, if one may be named."""
    home, may_name = settings.home, are_offered(settings)
    named = st.session_state.get(_FOLDER, "").strip() if may_name else ""
    try:
        folder = checked_to_be_read(named, settings) if named else latest_report(home)
    except RagError as error:
        show_error(str(error))
    else:
        _draw_latest(folder, home)
    if may_name:
        st.text_input(
            "Folder of another report",
            key=_FOLDER,
            placeholder=str(home / "report"),
            help="A folder on the computer that runs rag_app, with a report.md in it",
        )


def _draw_latest(folder: Path | None, home: Path) -> None:
    if folder is not None:
        _draw_folder(folder)
        return
    st.html(
        '<p class="quiet">There is no report yet. This command asks the questions of a file, with and without each '
        "part of rag_app, and writes tables and curves where this page finds them. It takes some minutes. With "
        "<code>--questions FILE</code> it asks your own, such as those that feedback is saved as.</p>"
        f'<pre class="command">{escaped(command_for(home))}</pre>'
    )


def command_for(home: Path) -> str:
    """Return the command that makes a report where this page looks for it."""
    return f"rag-app eval report --out {shlex.quote(str(home / 'report'))}"


def latest_report(home: Path) -> Path | None:
    """Return the folder of the newest report in the home folder, or in a folder of it; None where there is none.

    What readers have uploaded is no report, whatever its name.
    """
    uploads = home / "uploads"
    found = [
        file
        for pattern in (f"*/{REPORT}", f"*/*/{REPORT}")
        for file in home.glob(pattern)
        if not file.is_relative_to(uploads) and file.stat().st_size
    ]
    return max(found, key=lambda file: file.stat().st_mtime).parent if found else None


def read_report(folder: Path) -> list[Part] | None:
    """Return the parts of the report in a folder; None where there is none that can be read."""
    file = folder / REPORT
    try:
        # A link would show what lies elsewhere.
        if file.is_symlink() or not file.is_file() or file.stat().st_size > MOST_BYTES:
            return None
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    parts, end = [], 0
    for match in _PICTURE.finditer(text):
        parts.append(Part(_as_html(text[end : match.start()])))
        picture = folder / match.group(2)
        if picture.is_file() and not picture.is_symlink() and _is_png(picture):
            parts.append(Part(picture=picture, shows=match.group(1)))
        end = match.end()
    parts.append(Part(_as_html(text[end:])))
    return [part for part in parts if part.html or part.picture]


def _is_png(picture: Path) -> bool:
    """Say whether a file can be shown as a picture, and is one of a size that a report has."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(picture, formats=["PNG"]) as image:
            return image.width * image.height <= MOST_PIXELS
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return False


def _as_html(markdown: str) -> str:
    """Return tables, lists and headings as HTML; whatever else Markdown knows stays text."""
    from markdown_it import MarkdownIt

    # A report begins with a heading of the first level; on the page it stands below one of the second.
    lowered = re.sub(r"^(#{1,3}) ", r"##\1 ", markdown, flags=re.MULTILINE)
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["image", "link", "autolink"])
    return (
        str(parser.render(lowered))
        .replace("<table>", '<div class="wide" tabindex="0"><table>')
        .replace("</table>", "</table></div>")
    )


def _draw_folder(folder: Path) -> None:
    parts = read_report(folder)
    if parts is None:
        st.html(f'<p class="quiet" dir="auto">There is no report.md that can be read in {escaped(str(folder))}.</p>')
        return
    made = datetime.fromtimestamp((folder / REPORT).stat().st_mtime).astimezone()
    st.html(
        f'<p class="quiet" dir="auto">Made on {made:%Y-%m-%d %H:%M} with version {escaped(_version(folder))}, '
        f"in {escaped(str(folder))}. Newer figures: <code>{escaped(command_for(folder.parent))}</code></p>"
    )
    with st.expander("Read the report", icon=":material/lab_profile:"):
        for part in parts:
            if part.picture:
                st.image(str(part.picture), width="stretch", alt=part.shows)
                # Not the picture's own caption, which is too faint to be read by all.
                st.html(f'<p class="quiet" dir="auto">{escaped(part.shows)}</p>')
            else:
                st.html(f'<div class="report">{part.html}</div>')


def _version(folder: Path) -> str:
    try:
        return str(json.loads((folder / "report.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"
