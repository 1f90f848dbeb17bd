"""A setting is changed in the file of the home folder, and nothing else in it is."""

from pathlib import Path

import pytest

from rag_app.errors import SettingsError
from rag_app.settings import load_settings, settings_origins
from rag_app.settings_file import change_settings


def test_other_lines_comments_and_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "rag_app.toml"
    file.write_bytes(b"# mine\r\nthreshold = 0.3 # why\r\n\r\npassages = 5\r\n")
    change_settings(tmp_path, {"threshold": 0.55})
    assert file.read_bytes() == b"# mine\r\nthreshold = 0.55 # why\r\n\r\npassages = 5\r\n"
    change_settings(tmp_path, {"threshold": None})
    assert b"# mine" in file.read_bytes()
    assert load_settings(environ={"RAG_APP_HOME": str(tmp_path)}).threshold == 0.4
    assert [path.name for path in tmp_path.iterdir()] == ["rag_app.toml"]


def test_a_home_without_a_file_gets_one(tmp_path: Path) -> None:
    change_settings(tmp_path / "new", {"show_unsupported": True, "passages": 8})
    settings = load_settings(environ={"RAG_APP_HOME": str(tmp_path / "new")})
    assert (settings.show_unsupported, settings.passages) == (True, 8)


def test_a_file_that_is_a_link_stays_one_and_keeps_its_rights(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    elsewhere.write_text("passages = 3\n")
    elsewhere.chmod(0o640)
    home = tmp_path / "home"
    home.mkdir()
    (home / "rag_app.toml").symlink_to(elsewhere)
    change_settings(home, {"passages": 4})
    assert (home / "rag_app.toml").is_symlink()
    assert elsewhere.read_text() == "passages = 4\n"
    assert elsewhere.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("written", "changes", "message"),
    [
        ("passages = 3", {"passages": 500}, "'passages' is 500, but must be from 1 to 50"),
        ("passages = = 3", {"passages": 4}, "cannot be read as TOML.*Correct or remove it"),
    ],
)
def test_what_cannot_be_written_is_refused_and_the_file_is_as_it_was(
    tmp_path: Path, written: str, changes: dict[str, int], message: str
) -> None:
    file = tmp_path / "rag_app.toml"
    file.write_text(written)
    with pytest.raises(SettingsError, match=message):
        change_settings(tmp_path, changes)
    assert file.read_text() == written


def test_a_home_that_is_no_folder_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        change_settings(tmp_path / "file", {"passages": 4})


def test_the_place_that_counts_is_told_for_every_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    (home / "rag_app.toml").write_text("passages = 3\nthreads = 1\nthreshold = 0.5\n")
    (here / "rag_app.toml").write_text("threads = 2\n")
    monkeypatch.chdir(here)
    origins = settings_origins({"RAG_APP_HOME": str(home), "RAG_APP_THRESHOLD": "0.6"})
    assert origins["passages"] == f"in {home / 'rag_app.toml'}"
    assert origins["threads"] == f"in {here / 'rag_app.toml'}"
    assert origins["threshold"] == "in the environment (RAG_APP_…)"
    monkeypatch.chdir(home)
    assert settings_origins({"RAG_APP_HOME": str(home)})["threads"] == f"in {home / 'rag_app.toml'}"
