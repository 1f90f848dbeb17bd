"""What an earlier run left to do is found as the server starts; where nothing is left, nothing is begun."""

import json
from pathlib import Path

import pytest

from tests.test_ui_uploads import Dropped
from ui.resuming import is_left, take_up
from ui.uploads import KeptUploads
from ui.watched import WATCHED


def test_nothing_is_left_in_a_new_home_and_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_APP_HOME", str(tmp_path))
    assert not is_left(tmp_path)
    assert take_up() is None


@pytest.mark.parametrize("folders, left", [([], False), ([{"folder": "/docs", "collection": "default"}], True)])
def test_watched_folders_are_left(tmp_path: Path, folders: list[dict[str, str]], left: bool) -> None:
    (tmp_path / WATCHED).write_text(json.dumps({"folders": folders}), encoding="utf-8")
    assert is_left(tmp_path) is left


def test_uploads_are_left_until_they_are_settled(tmp_path: Path) -> None:
    kept = KeptUploads.keep(tmp_path, "default", [Dropped("owls.md", b"# Owls")])
    assert is_left(tmp_path)
    kept.forget()
    assert not is_left(tmp_path)
