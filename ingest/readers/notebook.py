"""Read Jupyter notebooks: the words of Markdown cells, code, and what the code printed."""

import json
from collections.abc import Iterable
from typing import Any

from ingest.readers.html import add_html
from ingest.readers.markdown import add_markdown
from ingest.readers.sections import TextBuilder, clean
from ingest.readers.text import decode
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_LONGEST_OUTPUT = 4_000
_LONGEST_OUTPUT_PAGE = 200_000


def read_notebook(data: bytes, name: str) -> ExtractedText:
    """Read the cells in order; code stands under the heading of the Markdown above it. Pictures become a note.

    Raises:
        ReadError: it is no notebook.
    """
    try:
        notebook = json.loads(decode(data, name))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ReadError(
            f"{name} is damaged or no notebook ({error}). Open it in Jupyter, save it again and ingest it."
        ) from error
    cells = _cells(notebook)
    if cells is None:
        raise ReadError(f"{name} is no notebook: it has no list of cells. Save it as .json if it is other data.")
    builder = TextBuilder()
    title = None
    for cell in cells:
        source = _joined(cell.get("source", cell.get("input")))
        if cell.get("cell_type") == "markdown":
            title = add_markdown(builder, clean(source)) or title
        elif cell.get("cell_type") == "heading":
            builder.heading(int(cell["level"]) if str(cell.get("level")).isdecimal() else 1, source)
        else:
            builder.block(source)
            _add_outputs(builder, cell.get("outputs"))
    return builder.build(title=title)


def _cells(notebook: Any) -> list[dict[str, Any]] | None:
    """Return the cells, which notebooks before version 4 kept in worksheets."""
    if not isinstance(notebook, dict):
        return None
    cells = notebook.get("cells")
    if cells is None and isinstance(notebook.get("worksheets"), list):
        sheets = [sheet.get("cells") for sheet in notebook["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else None


def _add_outputs(builder: TextBuilder, outputs: Any) -> None:
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, dict):
            continue
        # Before version 4, the values stood beside the kind of output.
        data = output.get("data")
        shown: dict[str, Any] = data if isinstance(data, dict) else output
        page = _joined(shown.get("text/html", shown.get("html")))
        if output.get("ename"):
            _add_bounded(builder, f"{output['ename']}: {_joined(output.get('evalue'))}")
        elif "<table" in page and len(page) <= _LONGEST_OUTPUT_PAGE:
            inner = TextBuilder()
            add_html(inner, page)
            _add_bounded(builder, inner.build().text)
        elif any(str(kind).startswith(("image/", "png", "jpeg", "svg")) for kind in shown):
            builder.note("pictures that code drew were left out")
        else:
            _add_bounded(builder, _joined(shown.get("text/plain", shown.get("text"))))


def _add_bounded(builder: TextBuilder, text: str) -> None:
    if len(text) > _LONGEST_OUTPUT:
        builder.note(f"outputs of code were cut after {_LONGEST_OUTPUT:,} characters")
        text = text[:_LONGEST_OUTPUT] + " …"
    if text.strip():
        builder.block(f"Output:\n{text}")


def _joined(source: Any) -> str:
    """Return what a notebook holds as one string or as a list of lines."""
    if isinstance(source, str):
        return source
    lines: Iterable[Any] = source if isinstance(source, list) else ()
    return "".join(line for line in lines if isinstance(line, str))
