"""The parts of a slide that are no plain text: tables, charts and diagrams."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from pptx.oxml import parse_xml
from pptx.oxml.ns import qn

from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.tables import table_lines

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm"
_MOST_CATEGORIES = 500


def add_table(builder: TextBuilder, table: Any) -> None:
    """Add a table's rows; a merged cell stands in every place that it covers."""
    rows: list[list[str]] = []
    for number, row in enumerate(table.rows):
        cells: list[str] = []
        for column, cell in enumerate(row.cells):
            words = cell.text_frame.text
            if cell._tc.hMerge and cells:
                words = cells[-1]
            elif cell._tc.vMerge and number and column < len(rows[-1]):
                words = rows[-1][column]
            cells.append(words)
        rows.append(cells)
    builder.lines(table_lines(rows, header=True if table.first_row else None))


def add_chart(builder: TextBuilder, chart: Any) -> None:
    """Add a chart's title, then a line for each category with the value of every series."""
    if chart.has_title and chart.chart_title.has_text_frame:
        builder.block(one_line(chart.chart_title.text_frame.text))
    for plot in chart.plots:
        series = list(plot.series)
        names = [one_line(one.name or "") or f"Series {number}" for number, one in enumerate(series, start=1)]
        values = [[_number(value) for value in one.values] for one in series]
        labels = _labels(plot, series)
        rows = [list(row) for row in zip_longest(labels, *values, fillvalue="")]
        if len(rows) > _MOST_CATEGORIES:
            builder.note(f"a chart cut after {_MOST_CATEGORIES} of {len(rows)} points")
        builder.lines(table_lines([["", *names], *rows[:_MOST_CATEGORIES]], header=True))


def add_diagram(builder: TextBuilder, shape: Any, slide_part: Any) -> None:
    """Add the words of a diagram (SmartArt), which lie in a part of their own; other shapes add nothing."""
    relations = shape._element.find(f".//{_DIAGRAM}relIds")
    if relations is None:
        return
    try:
        model = slide_part.related_part(relations.get(_RELATION))
    except KeyError:
        builder.note("a diagram whose words are missing from the file")
        return
    gap = "\n\n"
    for point in parse_xml(model.blob).iter(f"{_DIAGRAM}pt"):
        words = " ".join("".join(text.text or "" for text in p.iter(qn("a:t"))) for p in point.iter(qn("a:p")))
        if words.strip():
            builder.block(f"- {one_line(words)}", gap=gap)
            gap = "\n"


def _labels(plot: Any, series: Sequence[Any]) -> list[str]:
    categories = [one_line(str(category)) for category in plot.categories]
    if categories or not series:
        return categories
    places = series[0]._element.xpath("c:xVal//c:pt/c:v/text()")
    return [one_line(str(place)) for place in places]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:.10g}"
