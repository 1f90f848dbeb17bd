"""What the settings page tells is what was measured, and nothing where nothing was."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from rag_app.answering.track_record import Outcome, TrackRecord, read_track_record
from rag_app.assembly import Application, open_track_record
from rag_app.errors import ModelDamaged
from rag_app.installed import InstalledModel
from rag_app.settings import Settings, load_settings
from tests.page_parts import open_page
from ui.at_work import connections_html, costs_html, models_html, places_html, size_words
from ui.settings_page import threshold_html

MODELS = {"generator": "small"}
RECORD = TrackRecord(
    "questions.jsonl",
    300,
    MODELS,
    (Outcome(0.0, 300, 150, 200, 200), Outcome(0.5, 100, 10, 200, 120), Outcome(0.9, 8, 0, 200, 8)),
)


def settings_script(home: "Path") -> None:
    from tests.page_parts import open_page
    from ui import settings_page

    settings_page.show(open_page(home))


@pytest.fixture
def application(tmp_path: Path) -> Application:
    return open_page(tmp_path)


def test_a_threshold_is_told_as_one_in_so_many(application: Application) -> None:
    told = threshold_html(RECORD, 0.5, MODELS)
    assert "<b>1 in 10 shown answers</b> was wrong, and 60% of the questions" in told
    assert "300 questions about the sample handbook, 200 of which" in told
    assert "other models" not in told
    assert "other models" in threshold_html(RECORD, 0.5, {"generator": "large"})


def test_of_few_answers_no_share_is_told() -> None:
    told = threshold_html(RECORD, 0.95, MODELS)
    assert "nobody can say" in told
    assert "too few to say" in told
    assert "never measured" in threshold_html(None, 0.5, MODELS)


def test_what_ships_was_measured_with_a_threshold_that_is_the_default() -> None:
    record = open_track_record(Settings())
    assert record is not None
    outcome = record.at(Settings().threshold)
    assert outcome.threshold == Settings().threshold
    assert 3 <= (outcome.one_in or 0) <= 10
    assert [o.shown for o in record.outcomes] == sorted((o.shown for o in record.outcomes), reverse=True)


@pytest.mark.parametrize("written", ["{", "{}", '{"dataset": "x", "questions": 1, "models": {}, "points": []}'])
def test_a_damaged_record_is_named_with_the_remedy(tmp_path: Path, written: str) -> None:
    file = tmp_path / "thresholds.json"
    assert read_track_record(file) is None
    file.write_text(written)
    with pytest.raises(ModelDamaged, match="rag-app eval threshold"):
        read_track_record(file)


def test_what_answers_took_is_told_once_there_are_some() -> None:
    names = ("retrieve", "evidence", "first_token", "total")
    assert "once there are some" in costs_html({name: np.array([]) for name in names}, 10**9)
    told = costs_html({name: np.array([100.0, 200.0, 3000.0]) for name in names}, 1_300_000_000)
    assert "1.3 GB of memory" in told
    assert "half took at most 200 ms, and 19 of 20 at most 3.0 s" in told


def test_names_paths_and_addresses_are_shown_as_they_stand() -> None:
    evil = "<img src=x>"
    model = InstalledModel(evil, evil, evil, evil, evil, Path(evil), 2048, adapter=evil)
    for told in (models_html([model]), places_html(Path(evil), [("Uploads", 1)])):
        assert "<img" not in told
        assert "&lt;img" in told
    assert "None leads out" in connections_html(["127.0.0.1", "::1", "::ffff:127.0.0.1"], named=True)
    assert "192.168.1.7" in connections_html(["127.0.0.1", "192.168.1.7"], named=True)
    assert [size_words(n) for n in (12, 2048, 91_000_000)] == ["12 bytes", "2.0 kB", "91 MB"]


def test_where_others_see_the_page_their_addresses_are_counted_and_it_says_who_may_change_what_is_set(
    application: Application,
) -> None:
    told = connections_html(["127.0.0.1", "192.168.1.7", "192.168.1.7"], named=False)
    assert "192.168.1.7" not in told
    assert "Beside this computer: 1 other." in told
    page = AppTest.from_function(settings_script, kwargs={"home": application.settings.home}, default_timeout=60).run()
    assert any("whoever opens it can change" in element.proto.body for element in page.get("html"))


def test_a_setting_of_the_environment_is_shown_as_fixed(
    application: Application, prepared_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (application.settings.home / "models").symlink_to(prepared_home / "models")
    monkeypatch.setenv("RAG_APP_PASSAGES", "7")
    monkeypatch.setenv("RAG_APP_HOME", str(application.settings.home))
    page = AppTest.from_function(settings_script, kwargs={"home": application.settings.home}, default_timeout=60).run()
    assert not page.exception
    by_key = {slider.key: slider for slider in page.slider}
    assert by_key["setting-passages"].disabled
    assert not by_key["setting-threshold"].disabled
    assert "Fixed in the environment" in "\n".join(element.proto.body for element in page.get("html"))
    page.toggle[0].set_value(True).run()
    assert load_settings(environ={"RAG_APP_HOME": str(application.settings.home)}).show_unsupported


def test_models_stay_loaded_while_the_threshold_changes(application: Application) -> None:
    settings = load_settings({"home": application.settings.home, "threshold": 0.2}, {})
    other = application.answering_by(settings)
    assert other.generator is application.generator
    assert other.library is application.library
    assert other.settings.threshold == 0.2
