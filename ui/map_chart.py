"""The map as a chart: a point for each chunk, coloured by document or collection, and a question among them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rag_app.records import Document
from ui.cartography import Plot
from ui.markup import escaped, shortened
from ui.sources import place

COLOURS = ("#2f7fb8", "#cc7a1e", "#2b9474", "#bb5592", "#8168c9", "#a3862a", "#c95a52", "#3f9aa6")
OTHERS = "#8f968d"
MARK = "#d1492e"
PICKED = "picked"
_POINTS, _HERE = "points", "here"
HEIGHT = 560
_SIZES = ((150, 90), (1500, 45), (6000, 22))
_SMALLEST = 12
_NAME_CHARACTERS = 80
_OPENING_CHARACTERS = 110


@dataclass(frozen=True, slots=True)
class Marks:
    """A question's place on the map, and the chunks that answer it best by their ids, with their ranks from 1."""

    place: tuple[float, float]
    ranks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Groups:
    """What the colours mean: the names of the largest groups, and the number of each document's, or of the others'."""

    names: tuple[str, ...]
    counts: tuple[int, ...]
    others: int
    of_document: Mapping[int, int]


def groups_of(plot: Plot, documents: Mapping[int, Document], *, by_collection: bool) -> Groups:
    """Group the chunks of a map by document or collection; what is not among the largest are others."""

    def owner(document: Document) -> int | str:
        return document.collection if by_collection else document.id

    owners = [owner(documents[c.document_id]) for c in plot.sample.chunks if c.document_id in documents]
    counts = Counter(owners)
    largest = [key for key, _ in sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))[: len(COLOURS)]]
    numbers = {key: number for number, key in enumerate(largest)}
    names = tuple(str(key) if by_collection else documents[int(key)].name for key in largest)
    return Groups(
        names,
        tuple(counts[key] for key in largest),
        len(owners) - sum(counts[key] for key in largest),
        {number: numbers.get(owner(document), len(COLOURS)) for number, document in documents.items()},
    )


def legend_html(groups: Groups) -> str:
    """Return what the colours mean."""
    entries = [
        (colour, shortened(name, _NAME_CHARACTERS), count)
        for colour, name, count in zip(COLOURS, groups.names, groups.counts, strict=False)
    ]
    if groups.others:
        entries.append((OTHERS, "all others", groups.others))
    items = "".join(
        f'<li><span class="dot" style="background: {colour}"></span>'
        f'<span class="name" dir="auto">{escaped(name)}</span> <span class="quiet">{count:,}</span></li>'
        for colour, name, count in entries
    )
    return f'<ul class="legend" aria-label="What the colours mean, with how many passages">{items}</ul>'


def map_chart(count: int, *, groups: Groups, marks: Marks | None) -> dict[str, Any]:
    """Return the chart of so many points, in Vega-Lite. A click picks one; with Shift, it is dragged and zoomed.

    Its data are apart, as ``map_data`` returns them.
    """
    dragged = "[pointerdown[event.shiftKey], window:pointerup] > window:pointermove!"
    points = {
        "mark": {"type": "circle", "opacity": 0.8, "size": _size(count), "aria": False},
        "encoding": {
            **_axes(),
            "color": {"field": "group", "type": "nominal", "legend": None, "scale": _scale(groups)},
            "tooltip": [{"field": name, "type": "nominal"} for name in ("Document", "Place", "Begins")],
        },
        "params": [
            {"name": PICKED, "select": {"type": "point", "fields": ["id"], "toggle": False, "clear": False}},
            {
                "name": "view",
                "bind": "scales",
                "select": {"type": "interval", "translate": dragged, "zoom": "wheel![event.shiftKey]"},
            },
        ],
    }
    # What is hovered and clicked comes after what only lies around it.
    layers = [*_pointer(), _rings(), points, *_names_of(marks)] if marks else [*_pointer(), points]
    return {"height": HEIGHT, "view": {"stroke": None}, "data": {"name": _POINTS}, "layer": layers}


def map_data(points: dict[str, list[Any]], here: tuple[float, float] | None) -> dict[str, dict[str, list[Any]]]:
    """Return the data of a chart: the points, and the place of the passage that is read, unless it was clicked."""
    x, y = here or (None, None)
    return {_POINTS: points, _HERE: {"x": [x], "y": [y]}}


def map_points(
    plot: Plot, documents: Mapping[int, Document], *, groups: Groups, marks: Marks | None
) -> dict[str, list[Any]]:
    """Return what the chart draws, column by column: the chunks whose documents are there."""
    ranks = marks.ranks if marks else {}
    rows = [
        (chunk.id, at[0], at[1], groups.of_document[chunk.document_id], ranks.get(chunk.id, 0), chunk)
        for chunk, at in zip(plot.sample.chunks, plot.places.tolist(), strict=True)
        if chunk.document_id in documents
    ]
    return {
        "id": [row[0] for row in rows],
        "x": [row[1] for row in rows],
        "y": [row[2] for row in rows],
        "group": [row[3] for row in rows],
        "rank": [row[4] for row in rows],
        "Document": [shortened(documents[row[5].document_id].name, _NAME_CHARACTERS) for row in rows],
        "Place": [shortened(place(row[5].page, row[5].heading), _NAME_CHARACTERS) or "–" for row in rows],
        "Begins": [shortened(row[5].opening, _OPENING_CHARACTERS) for row in rows],
    }


def _axes() -> dict[str, Any]:
    scale = {"domain": [-1.1, 1.1], "nice": False}
    return {name: {"field": name, "type": "quantitative", "axis": None, "scale": scale} for name in ("x", "y")}


def _scale(groups: Groups) -> dict[str, Any]:
    count = len(groups.names)
    return {"domain": [*range(count), len(COLOURS)], "range": [*COLOURS[:count], OTHERS]}


def _size(count: int) -> int:
    return next((size for limit, size in _SIZES if count <= limit), _SMALLEST)


def _rings() -> dict[str, Any]:
    """Return rings around the passages of a question; below the points, which are hovered and clicked."""
    mark = {"type": "point", "size": 240, "color": MARK, "strokeWidth": 2.5, "opacity": 1, "aria": False}
    return {"transform": [{"filter": "datum.rank > 0"}], "mark": mark, "encoding": _axes()}


def _pointer() -> list[dict[str, Any]]:
    """Return rings around the passage that is read, light and dark, to show on any ground.

    A point that was clicked is ringed in the browser. Another passage is data, and with new data the browser shows the
    whole map again, which a reader who has zoomed in and goes from click to click would not want.
    """
    ring = {"type": "point", "filled": False, "opacity": 1, "size": 420, "aria": False, "tooltip": None}
    shades = ({"color": "#ffffff", "strokeWidth": 5}, {"color": "#111111", "strokeWidth": 2})
    sources: tuple[dict[str, Any], ...] = (
        {"data": {"name": _HERE}},
        {"transform": [{"filter": {"param": PICKED, "empty": False}}]},
    )
    return [{**source, "mark": {**ring, **shade}, "encoding": _axes()} for source in sources for shade in shades]


def _names_of(marks: Marks) -> list[dict[str, Any]]:
    """Return the ranks of the passages beside their rings, and the question."""
    rank = {"text": {"field": "rank", "type": "quantitative"}}
    number = {"type": "text", "dx": 13, "dy": -9, "fontSize": 13, "fontWeight": "bold", "color": MARK, "aria": False}
    diamond = {"type": "point", "shape": "diamond", "filled": True, "size": 320, "color": MARK, "opacity": 1}
    x, y = marks.place
    return [
        {"transform": [{"filter": "datum.rank > 0"}], "mark": number, "encoding": {**_axes(), **rank}},
        {
            "data": {"values": [{"x": x, "y": y}]},
            "mark": {**diamond, "stroke": "#ffffff", "strokeWidth": 1.5, "aria": False},
            "encoding": {**_axes(), "tooltip": {"value": "Your question"}},
        },
    ]
