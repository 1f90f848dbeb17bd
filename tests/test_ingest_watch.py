"""When a watched folder is ingested again."""

from pathlib import Path
from threading import Event

import pytest

from ingest.watch import watch_folder
from rag_app.errors import FolderError


def test_a_watched_folder_is_told_at_once_and_after_each_change_until_it_is_stopped(tmp_path: Path) -> None:
    stop = Event()
    rounds = watch_folder(tmp_path, stop=stop)
    next(rounds)
    (tmp_path / "a.txt").write_text("Words.", encoding="utf-8")
    next(rounds)
    (tmp_path / ".ragignore").write_text("a.txt", encoding="utf-8")
    next(rounds)
    stop.set()
    assert list(rounds) == []


def test_a_missing_folder_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="does not exist"):
        next(watch_folder(tmp_path / "nowhere"))
