"""Settings come from four places in one order, and what is wrong with them is said."""

from pathlib import Path

import pytest

from rag_app.assembly import open_library
from rag_app.errors import LibraryError, SettingsError
from rag_app.settings import Settings, load_settings


def test_the_command_line_beats_the_environment_and_that_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "rag_app.toml").write_text('threshold = 0.1\npassages = 3\ngenerator = "from-file"\n')
    environ = {"RAG_APP_HOME": str(tmp_path), "RAG_APP_THRESHOLD": "0.2", "RAG_APP_PASSAGES": "4"}
    settings = load_settings({"threshold": 0.3, "device": None}, environ)
    assert (settings.threshold, settings.passages, settings.generator) == (0.3, 4, "from-file")
    assert settings.device == "auto"
    assert settings.home == tmp_path


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"RAG_APP_TRESHOLD": "0.2"}, "'treshold' in the environment .* Did you mean 'threshold'"),
        ({"RAG_APP_XYZ": "1"}, "Known settings: .*chunk_tokens"),
        ({"RAG_APP_PASSAGES": "many"}, "'passages' .* must be of type int, but is 'many'"),
        ({"RAG_APP_THRESHOLD": "1.5"}, "'threshold' is 1.5, but must be from 0 to 1"),
        ({"RAG_APP_CHUNK_OVERLAP": "100"}, "'chunk_overlap' is 100, but must be from 0 to half of chunk_tokens .80."),
        ({"RAG_APP_SHOW_UNSUPPORTED": "perhaps"}, "'show_unsupported' .* must be of type bool, but is 'perhaps'"),
        ({"RAG_APP_DEVICE": "abacus"}, "'device' is 'abacus', but must be auto, cpu, cuda or mps"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_be_right(
    tmp_path: Path, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(environ=environ | {"RAG_APP_HOME": str(tmp_path)})


def test_a_number_that_would_be_cut_off_to_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rag_app.toml").write_text("passages = 3.7")
    with pytest.raises(SettingsError, match=r"'passages' in .*rag_app\.toml must be of type int, but is 3\.7"):
        load_settings(environ={"RAG_APP_HOME": str(tmp_path)})


@pytest.mark.parametrize(("written", "meant"), [("yes", True), ("TRUE", True), ("0", False), ("false", False)])
def test_a_switch_reads_the_usual_words(tmp_path: Path, written: str, meant: bool) -> None:
    environ = {"RAG_APP_HOME": str(tmp_path), "RAG_APP_SHOW_UNSUPPORTED": written}
    assert load_settings(environ=environ).show_unsupported is meant
    (tmp_path / "rag_app.toml").write_text(f"show_unsupported = {str(meant).lower()}")
    assert load_settings(environ={"RAG_APP_HOME": str(tmp_path)}).show_unsupported is meant


def test_a_home_below_the_users_folder_has_its_file_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "rag_app.toml").write_text("passages = 3")
    settings = load_settings(environ={"RAG_APP_HOME": "~/library"})
    assert (settings.home, settings.passages) == (tmp_path / "library", 3)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rag_app.toml").write_text("threshold = = 1")
    with pytest.raises(SettingsError, match=r"rag_app\.toml cannot be read as TOML"):
        load_settings(environ={"RAG_APP_HOME": str(tmp_path)})


def test_the_library_is_sqlite_in_the_home_folder_unless_said_otherwise(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).url == f"sqlite:///{tmp_path}/library.sqlite3"
    assert Settings(home=tmp_path, database_url="sqlite:////elsewhere.db").url == "sqlite:////elsewhere.db"


@pytest.mark.parametrize("name", ["why?", "50%20off", "a b#c", "déjà vu"])
def test_the_library_lies_in_the_home_folder_whatever_its_name(tmp_path: Path, name: str) -> None:
    settings = Settings(home=tmp_path / name)
    with open_library(settings):
        assert (tmp_path / name / "library.sqlite3").is_file()
    assert [found.name for found in tmp_path.iterdir()] == [name]


def test_a_home_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(LibraryError, match="cannot be created .* Set RAG_APP_HOME"):
            open_library(Settings(home=home))
