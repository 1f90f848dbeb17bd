"""The map shows each passage as a point, a question among them, and lets no name be markup."""

import json
import time
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from streamlit.testing.v1 import AppTest

from rag_app.assembly import Application
from rag_app.errors import RagError
from rag_app.library import Library
from rag_app.records import Document, Scope
from tests.page_parts import open_page, store_text
from ui.cartography import Cartographer, Plot, draw_plot
from ui.map_chart import COLOURS, Marks, groups_of, legend_html, map_chart, map_points

EVIL = '<img src="http://evil.example/x.png" onerror="alert(1)">'
LEAVE = "Up to 10 days of leave may be carried over to the next year."
PATIENCE_SECONDS = 60.0


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return open_page(tmp_path)


def map_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import map_page

    map_page.show(open_page(home))


def open_map(application: Application) -> AppTest:
    """Return the map page once its map is there."""
    page = AppTest.from_function(map_script, kwargs={"home": application.settings.home}, default_timeout=60).run()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while "Drawing the map" in shown(page) and time.monotonic() < deadline:
        time.sleep(0.1)
        page.run()
    return page


def shown(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def fill(application: Application, root: Path, count: int, *, collection: str = "default") -> dict[int, Document]:
    for number in range(count):
        store_text(application, f"{collection}-{number}.md", f"{number}: {LEAVE}", root=root, collection=collection)
    return {document.id: document for document in application.library.documents()}


def plot_of(application: Application) -> Plot:
    return draw_plot(application.library, Scope())


def await_plot(cartographer: Cartographer, library: Library) -> Plot:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        plot, fresh = cartographer.plot(library, Scope())
        if plot and fresh:
            return plot
        time.sleep(0.05)
    raise AssertionError("The map was not drawn")


def test_an_empty_library_has_no_map_and_says_what_it_would_show(application: Application) -> None:
    assert "Nothing to map yet" in shown(open_map(application))


def test_one_document_of_one_passage_is_a_map_of_one_point(application: Application, tmp_path: Path) -> None:
    store_text(application, "leave.md", LEAVE, root=tmp_path / "docs")
    page = open_map(application)
    assert len(page.get("arrow_vega_lite_chart") or page.get("vega_lite_chart")) == 1
    assert "leave.md" in shown(page)


def test_a_question_is_placed_with_its_passages(application: Application, tmp_path: Path) -> None:
    fill(application, tmp_path / "docs", 3)
    page = open_map(application)
    page.text_input[0].set_value("How many days of leave may be carried over?").run()
    html = shown(page)
    assert "The passages of the question" in html
    assert html.count("may be carried over to the next year.") == 3
    assert "in the middle of the five passages most like it" in html


def test_a_question_that_is_too_long_is_refused_in_words_and_the_map_stays(
    application: Application, tmp_path: Path
) -> None:
    fill(application, tmp_path / "docs", 2)
    page = open_map(application)
    page.text_input[0].set_value("why " * 4000).run()
    assert "Shorten it" in shown(page)
    assert "What the colours mean" in shown(page)


def test_a_map_is_drawn_once_for_each_state_of_the_library(application: Application, tmp_path: Path) -> None:
    fill(application, tmp_path / "docs", 2)
    cartographer = Cartographer()
    first = await_plot(cartographer, application.library)
    assert cartographer.plot(application.library, Scope()) == (first, True)
    store_text(application, "third.md", LEAVE, root=tmp_path / "docs")
    assert cartographer.plot(application.library, Scope()) == (first, False)
    assert len(await_plot(cartographer, application.library).sample.chunks) == 3


def test_a_map_that_cannot_be_drawn_says_why_each_time_it_is_tried(application: Application, tmp_path: Path) -> None:
    fill(application, tmp_path / "docs", 1)
    library, embedder = application.library, application.embedder
    with Library.open(application.settings.url, index_folder=tmp_path / "other") as other:
        other.rebuild(embedder.embed_passages, embedder="another", dimensions=embedder.dimensions)
    cartographer = Cartographer()
    for _ in range(2):
        with pytest.raises(RagError, match="another"):
            await_plot(cartographer, library)


def test_a_map_that_cannot_be_drawn_for_a_reason_unforeseen_is_told_and_not_begun_over_and_over(
    application: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(application, tmp_path / "docs", 1)
    begun = []

    def fail(library: Library, scope: Scope, *, on_step: object) -> Plot:
        begun.append(scope)
        raise ValueError("not a number")

    monkeypatch.setattr("ui.cartography.draw_plot", fail)
    cartographer = Cartographer()
    for _ in range(3):
        with pytest.raises(RagError, match="Something went wrong"):
            await_plot(cartographer, application.library)
    assert len(begun) == 1
    monkeypatch.undo()
    store_text(application, "second.md", LEAVE, root=tmp_path / "docs")
    assert len(await_plot(cartographer, application.library).sample.chunks) == 2


def test_the_largest_documents_have_colours_and_the_rest_one_grey(application: Application, tmp_path: Path) -> None:
    documents = fill(application, tmp_path / "docs", len(COLOURS) + 2)
    groups = groups_of(plot_of(application), documents, by_collection=False)
    assert (len(groups.names), groups.others) == (len(COLOURS), 2)
    assert sorted(set(groups.of_document.values())) == list(range(len(COLOURS) + 1))
    assert "all others" in legend_html(groups)


def test_collections_can_be_what_is_coloured(application: Application, tmp_path: Path) -> None:
    fill(application, tmp_path / "docs", 2, collection="one")
    documents = fill(application, tmp_path / "docs", 1, collection="two")
    groups = groups_of(plot_of(application), documents, by_collection=True)
    assert (groups.names, groups.counts, groups.others) == (("one", "two"), (2, 1), 0)
    page = open_map(application)
    assert "Coloured by" in [group.proto.label for group in page.get("button_group")]


def test_what_was_removed_since_the_map_was_drawn_is_not_on_it(application: Application, tmp_path: Path) -> None:
    documents = fill(application, tmp_path / "docs", 3)
    plot = plot_of(application)
    gone = max(documents)
    del documents[gone]
    groups = groups_of(plot, documents, by_collection=False)
    points = map_points(plot, documents, groups=groups, marks=None)
    assert len(points["id"]) == 2
    assert f"default-{gone - 1}.md" not in legend_html(groups)


def test_the_passages_of_a_question_are_ringed_with_their_ranks(application: Application, tmp_path: Path) -> None:
    documents = fill(application, tmp_path / "docs", 3)
    plot = plot_of(application)
    wanted = plot.sample.chunks[1].id
    marks = Marks((0.25, -0.5), {wanted: 1})
    groups = groups_of(plot, documents, by_collection=False)
    assert map_points(plot, documents, groups=groups, marks=marks)["rank"] == [0, 1, 0]
    chart = map_chart(3, groups=groups, marks=marks)
    assert chart["layer"][-1]["data"]["values"] == [{"x": 0.25, "y": -0.5}]
    assert len(map_chart(3, groups=groups, marks=None)["layer"]) == len(chart["layer"]) - 3


def test_names_are_no_markup_in_the_legend_and_nowhere_in_the_chart(application: Application, tmp_path: Path) -> None:
    store_text(application, "x.md", LEAVE, root=tmp_path / "docs", collection=EVIL)
    documents = {document.id: document for document in application.library.documents()}
    groups = groups_of(plot_of(application), documents, by_collection=True)
    legend = BeautifulSoup(legend_html(groups), "html.parser")
    assert not legend.select("img")
    assert EVIL in legend.get_text()
    assert "evil" not in json.dumps(map_chart(1, groups=groups, marks=None))


def test_a_map_of_a_part_says_so(application: Application, tmp_path: Path) -> None:
    from ui.map_page import _explanation

    fill(application, tmp_path / "docs", 4)
    whole, part = plot_of(application), draw_plot(application.library, Scope(), most=3)
    assert "3 of 4 passages, drawn at random" in _explanation(part, None)
    assert "at random" not in _explanation(whole, None)


def test_a_passage_is_reached_without_a_pointer_and_from_it_what_is_most_like_it(
    application: Application, tmp_path: Path
) -> None:
    fill(application, tmp_path / "docs", 4)
    store_text(application, "storm.md", "The tower is closed while a storm is near.", root=tmp_path / "docs")
    page = open_map(application)
    named = {document.name: document.id for document in application.library.documents()}
    page.selectbox(key="map-document").set_value(named["storm.md"]).run()
    assert "The tower is closed while a storm is near." in shown(page)
    assert page.selectbox(key="map-passage").value is not None
    onward = [button.label for button in page.button if (button.key or "").startswith("map-next-")]
    assert len(onward) == 4
    page.button(key="map-next-0").click().run()
    assert LEAVE in shown(page)
    assert page.selectbox(key="map-document").value != named["storm.md"]
    page.selectbox(key="map-document").set_value(None).run()
    assert "The passage you chose" not in shown(page)


def test_how_far_a_map_has_come_is_told(application: Application, tmp_path: Path) -> None:
    from ui.map_page import step_html

    fill(application, tmp_path / "docs", 2)
    begun: list[str] = []
    draw_plot(application.library, Scope(), on_step=begun.append)
    assert begun == ["reading", "laying out"]
    told = BeautifulSoup(step_html("laying out", 3.4), "html.parser")
    assert "alike together" in told.get_text()
    assert "3 s so far" in told.get_text()
    assert [told.progress["value"], told.progress["max"]] == ["2", "4"]  # type: ignore[index]
