"""Folders of the server are watched until that is ended, whatever happens to them or to the program."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from rag_app.assembly import Application
from tests.test_ui_dock import BEES, OWLS, PATIENCE_SECONDS, Slow, application, finish, names, until
from ui.dock import Dock
from ui.ingestion import Ingestion
from ui.watched import WatchedFolders

__all__ = ["application"]


def test_a_watched_folder_is_taken_in_when_it_changes_and_again_after_a_restart(
    application: Application, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "owls.md").write_bytes(OWLS)
    dock = Dock(application)
    watched = dock.watch(folder, "docs")
    assert dock.watch(folder, "docs") is watched
    until(lambda: names(application) == ["owls.md"])
    (folder / "bees.md").write_bytes(BEES)
    until(lambda: names(application) == ["bees.md", "owls.md"])
    until(lambda: watched.changed is not None and watched.changed.report is not None)

    started: list[tuple[Path, str]] = []

    def begin(folder: Path, collection: str) -> Ingestion:
        started.append((folder, collection))
        return ended()

    again = WatchedFolders(application.settings.home / "watched.json", begin)
    again.begin()
    until(lambda: started == [(folder, "docs")])
    again.remove(again.all()[0])
    assert not WatchedFolders(application.settings.home / "watched.json", dock.add_folder).all()
    dock.watched.remove(watched)
    assert dock.watched.all() == []


def ended() -> Ingestion:
    ingestion = Ingestion("", "docs", Slow())
    ingestion.stop()
    ingestion.run()
    return ingestion


def test_watching_goes_on_after_an_error_that_nobody_foresaw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.watched.AGAIN_AFTER_SECONDS", 0.01)
    tried: list[str] = []

    def fail(folder: Path, collection: str) -> Ingestion:
        tried.append(collection)
        raise OSError("too many open files")

    folder = tmp_path / "docs"
    folder.mkdir()
    folders = WatchedFolders(tmp_path / "watched.json", fail)
    watched = folders.add(folder, "docs")
    until(lambda: len(tried) > 1)
    assert "Something went wrong" in watched.trouble
    folders.remove(watched)


def test_an_ingestion_that_begins_as_its_folder_is_watched_no_more_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    may_go_on, begun, stopped = threading.Event(), threading.Event(), threading.Event()

    class Late(Ingestion):
        def stop(self) -> None:
            super().stop()
            stopped.set()

    def begin(folder: Path, collection: str) -> Ingestion:
        begun.set()
        assert may_go_on.wait(PATIENCE_SECONDS)
        return Late(str(folder), collection, Slow())

    folders = WatchedFolders(tmp_path / "watched.json", begin)
    watched = folders.add(tmp_path / "docs", "docs")
    assert begun.wait(PATIENCE_SECONDS)
    folders.remove(watched)
    may_go_on.set()
    assert stopped.wait(PATIENCE_SECONDS)
    assert watched.latest
    watched.latest.run()
    assert watched.latest.state == "stopped"


def test_folders_that_are_chosen_at_the_same_moment_are_all_remembered(tmp_path: Path) -> None:
    folders = WatchedFolders(tmp_path / "watched.json", lambda folder, collection: ended())
    together = threading.Barrier(8)

    def choose(number: int) -> None:
        together.wait(PATIENCE_SECONDS)
        # Each folder is chosen by two readers.
        folders.add(tmp_path / f"folder-{number // 2}", "docs")

    readers = [threading.Thread(target=choose, args=(number,)) for number in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    chosen = {tmp_path / f"folder-{number}" for number in range(4)}
    assert {watched.folder for watched in folders.all()} == chosen
    assert len(folders.all()) == len(chosen)
    for watched in folders.all():
        watched.stop.set()
    listed = json.loads((tmp_path / "watched.json").read_text(encoding="utf-8"))["folders"]
    assert {Path(one["folder"]) for one in listed} == chosen


def test_a_watched_folder_that_is_not_there_is_told_and_waited_for(application: Application, tmp_path: Path) -> None:
    dock = Dock(application)
    watched = dock.watch(tmp_path / "not mounted", "docs")
    until(lambda: "does not exist" in watched.trouble)
    dock.watched.remove(watched)


def test_a_folder_that_comes_to_lead_out_of_those_allowed_is_taken_in_no_more(
    application: Application, tmp_path: Path
) -> None:
    allowed, elsewhere = tmp_path / "allowed" / "birds", tmp_path / "elsewhere"
    for folder, content in ((allowed, OWLS), (elsewhere, BEES)):
        folder.mkdir(parents=True)
        (folder / "a.md").write_bytes(content)
    bounded = replace(application, settings=replace(application.settings, server_folders=str(allowed.parent)))
    dock = Dock(bounded)
    assert finish(dock.add_folder(allowed, "default")).report
    allowed.rename(tmp_path / "away")
    allowed.symlink_to(elsewhere)
    assert "not allowed here" in finish(dock.add_folder(allowed, "default")).error
    never = replace(application, settings=replace(application.settings, server_folders="never"))
    assert "server_folders is never" in finish(Dock(never).add_folder(tmp_path / "away", "default")).error
    (document,) = application.library.documents()
    assert "Owls" in application.library.text(document.id)


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"folders": [{"folder": 3}]}'])
def test_a_damaged_list_of_watched_folders_watches_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "watched.json").write_text(content, encoding="utf-8")
    folders = WatchedFolders(tmp_path / "watched.json", lambda folder, collection: ended())
    folders.begin()
    assert folders.all() == []
