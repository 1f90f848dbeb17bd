"""Documents come in one ingestion after the other, watched or not, and nothing is lost where one is stopped."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rag_app.assembly import Application
from rag_app.library import Arrival
from rag_app.records import Document, FailedFile, Failure, IngestEvent, IngestReport
from tests.page_parts import open_page
from tests.test_ui_uploads import Dropped
from ui.dock import Dock, dock
from ui.ingestion import Ingestion, OnEvent, OpenReading
from ui.intake_board import LISTED, board_html, changes_html, headline
from ui.taking_in import may_be_read_now, worth_taking
from ui.uploads import KeptUploads

PATIENCE_SECONDS = 60
OWLS = b"# Owls\n\nOwls hunt at night over the moor."
BEES = b"# Bees\n\nBees gather nectar by day in the meadow."


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    open_page.cache_clear()
    opened = open_page(tmp_path / "home")
    yield opened
    opened.close()


def names(application: Application) -> list[str]:
    return sorted(document.name for document in application.library.documents())


def add(dock: Dock, application: Application, *files: Dropped) -> Ingestion:
    return dock.add_uploads(KeptUploads.keep(application.settings.home, "default", files))


def finish(ingestion: Ingestion) -> Ingestion:
    assert ingestion.wait(PATIENCE_SECONDS)
    return ingestion


def until(happened: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE_SECONDS * 20):
        if happened():
            return
        pause.wait(0.05)
    raise AssertionError("It did not happen in time.")


class Slow:
    """Work that begins, and goes on when it is told to."""

    def __init__(self) -> None:
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self, on_event: OnEvent, open_reading: OpenReading) -> IngestReport:
        on_event(IngestEvent("reading", "a.md", 0, 2))
        self.began.set()
        assert self.go.wait(PATIENCE_SECONDS)
        on_event(IngestEvent("stored", "a.md", 1, 2))
        on_event(IngestEvent("reading", "b.md", 1, 2))
        return IngestReport(added=("a.md",))


def test_uploads_are_brought_in_with_their_folders_and_the_bad_ones_taken_back_and_remembered(
    application: Application,
) -> None:
    dock = Dock(application)
    done = finish(add(dock, application, Dropped("birds/owls.md", OWLS), Dropped("bad.pdf", b"%PDF-1.7 torn")))
    assert names(application) == ["birds/owls.md"]
    assert {line.name: line.step for line in done.lines()} == {"birds/owls.md": "stored", "bad.pdf": "failed"}
    uploads = application.settings.home / "uploads"
    assert [p.name for p in uploads.rglob("*") if p.is_file()] == ["owls.md"]
    (failure,) = application.library.failures()
    assert (failure.name, failure.collection) == ("bad.pdf", "default")
    finish(add(dock, application, Dropped("bad.pdf", b"%PDF-1.7 torn")))
    assert [failure.attempts for failure in application.library.failures()] == [2]


def test_a_failure_is_forgotten_once_the_file_is_good(application: Application) -> None:
    dock = Dock(application)
    finish(add(dock, application, Dropped("notes.md", OWLS)))
    finish(add(dock, application, Dropped("notes.md", b"")))
    assert len(application.library.failures()) == 1
    assert names(application) == ["notes.md"]
    finish(add(dock, application, Dropped("notes.md", OWLS)))
    assert application.library.failures() == []


def test_what_was_not_finished_when_the_program_ended_is_taken_up_at_the_next_start(application: Application) -> None:
    KeptUploads.keep(application.settings.home, "default", [Dropped("owls.md", OWLS)])
    dock = Dock(application)
    (ingestion,) = dock.all()
    finish(ingestion)
    assert names(application) == ["owls.md"]
    assert list((application.settings.home / "uploads" / ".waiting").iterdir()) == []


def test_ingestions_wait_for_those_before_them_and_one_that_waits_can_be_stopped(application: Application) -> None:
    dock, slow = Dock(application), Slow()
    first = dock._take(Ingestion("first", "default", slow))
    assert slow.began.wait(PATIENCE_SECONDS)
    second, third = (add(dock, application, Dropped(f"{n}.md", OWLS)) for n in (2, 3))
    assert [dock.ahead(one) for one in (first, second, third)] == [0, 1, 2]
    assert headline(third, ahead=2) == "Waiting for 2 ingestions before this one"
    second.stop()
    slow.go.set()
    finish(third)
    assert [one.state for one in (first, second, third)] == ["done", "stopped", "done"]
    assert names(application) == ["3.md"]
    until(lambda: dock.finished == 3)
    assert not list((application.settings.home / "uploads").rglob("2.md"))


def test_an_ingestion_that_is_stopped_keeps_what_is_stored(application: Application) -> None:
    dock, slow = Dock(application), Slow()
    ingestion = dock._take(Ingestion("", "default", slow, expected=("a.md", "b.md")))
    assert slow.began.wait(PATIENCE_SECONDS)
    ingestion.stop()
    assert ingestion.state == "stopping"
    slow.go.set()
    assert finish(ingestion).state == "stopped"
    assert "not added" in board_html(ingestion)


def test_of_documents_stored_together_none_loses_its_file_when_it_is_stopped_there(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock, slow = Dock(application), Slow()
    dock._take(Ingestion("first", "default", slow))
    assert slow.began.wait(PATIENCE_SECONDS)
    ingestion = add(dock, application, *(Dropped(f"{n}.md", b"# Owls %d" % n) for n in range(40)))
    store_many, embed = application.library.store_many, application.embedder.embed_passages
    together = []

    def embed_slowly(texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> NDArray[np.float32]:
        # Meanwhile the rest is read, so that it is embedded and stored together.
        threading.Event().wait(1)
        return embed(texts, on_progress)

    def store_and_stop(arrivals: Sequence[Arrival], *, collection: str) -> list[Document]:
        stored = store_many(arrivals, collection=collection)
        if len(stored) > 1:
            together.append(len(stored))
            ingestion.stop()
        return stored

    monkeypatch.setattr(application.embedder, "embed_passages", embed_slowly)
    monkeypatch.setattr(application.library, "store_many", store_and_stop)
    slow.go.set()
    assert finish(ingestion).state in {"stopped", "done"}
    assert together
    kept = [path.name for path in (application.settings.home / "uploads" / "default").iterdir()]
    stored = [line.name for line in ingestion.lines() if line.step == "stored"]
    assert sorted(kept) == sorted(stored) == names(application)


def test_what_comes_in_after_a_change_of_settings_is_taken_in_by_the_application_of_then(
    application: Application, tmp_path: Path
) -> None:
    open_page.cache_clear()
    later = open_page(tmp_path / "later")
    try:
        the_dock = dock(application)
        finish(add(the_dock, application, Dropped("owls.md", OWLS)))
        changed = replace(later, settings=application.settings)
        assert dock(changed) is the_dock
        finish(add(the_dock, application, Dropped("bees.md", BEES)))
        assert (names(application), names(later)) == (["owls.md"], ["bees.md"])
    finally:
        later.close()


def test_an_error_is_told_and_the_next_ingestion_is_done(application: Application, tmp_path: Path) -> None:
    dock = Dock(application)
    broken = dock.add_folder(tmp_path / "nowhere", "default")
    following = add(dock, application, Dropped("owls.md", OWLS))
    finish(following)
    assert broken.state == "failed"
    assert "does not exist" in broken.error
    assert "does not exist" in board_html(broken)
    assert names(application) == ["owls.md"]


def test_a_look_at_a_folder_tells_what_would_change_and_changes_nothing(
    application: Application, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in (("owls.md", OWLS), ("bees.md", BEES), ("gone.md", OWLS + b" More."), ("same.md", b"As it was.")):
        (folder / name).write_bytes(text)
    dock = Dock(application)
    finish(dock.add_folder(folder, "docs"))
    (folder / "owls.md").write_bytes(OWLS + b" And mice.")
    (folder / "bees.md").rename(folder / "hive.md")
    (folder / "gone.md").unlink()
    (folder / "new.md").write_bytes(b"Something new.")
    look = finish(dock.look(folder, "docs"))
    assert look.report
    html = changes_html(look.report)
    for words in ("new.md", "owls.md", "bees.md → hive.md", "gone.md", "1 unchanged"):
        assert words in html
    assert "new.md" not in names(application)
    done = finish(dock.add_folder(folder, "docs"))
    assert {line.name: line.step for line in done.lines()} == {
        "new.md": "stored",
        "owls.md": "updated",
        "hive.md": "moved",
        "gone.md": "removed",
    }
    assert "from bees.md" in board_html(done)
    assert headline(done).startswith("1 added, 1 updated, 1 moved, 1 removed, 1 unchanged from ")


@pytest.mark.parametrize(
    ("name", "data", "taken"),
    [
        ("docs/a.md", b"text", True),
        ("docs/.git/HEAD.md", b"text", False),
        ("docs/__init__.py", b"", False),
        ("docs/program", b"\x7fELF\0\0", False),
        ("docs/notes", b"plain words", True),
    ],
)
def test_of_a_folder_only_documents_are_taken(name: str, data: bytes, taken: bool) -> None:
    assert worth_taking(Dropped(name, data)) is taken


def test_of_many_files_those_that_failed_are_listed_first_and_nothing_in_a_name_is_markup() -> None:
    many = tuple(f"{n}.md" for n in range(LISTED + 60))
    ingestion = Ingestion("", "default", Failing(), expected=many)
    ingestion.run()
    html = board_html(ingestion)
    assert html.count("<li") == LISTED
    assert html.index("99.md") < html.index(">0.md")
    assert "and 60 more" in html
    assert "<b>" not in html


class Failing:
    """Work in which the last file fails."""

    def __call__(self, on_event: OnEvent, open_reading: OpenReading) -> IngestReport:
        failure = Failure("99.md", "99.md is <b>broken</b>.")
        for n in range(99):
            on_event(IngestEvent("stored", f"{n}.md", n, 100))
        on_event(IngestEvent("failed", "99.md", 100, 100, failure))
        return IngestReport(added=tuple(f"{n}.md" for n in range(99)), failures=(failure,))


def test_one_failed_file_of_a_folder_is_read_again_at_once_and_nothing_else(
    application: Application, tmp_path: Path
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7 torn")
    dock = Dock(application)
    finish(dock.add_folder(folder, "docs"))
    (failure,) = application.library.failures()
    assert may_be_read_now(application, failure)
    (folder / "owls.md").write_bytes(OWLS)
    assert finish(dock.add_again(failure)).report
    (again,) = application.library.failures()
    assert (again.path, again.attempts) == (failure.path, 2)
    assert again.reason == failure.reason
    (folder / "torn.pdf").write_bytes(b"")
    finish(dock.add_again(again))
    (empty,) = application.library.failures()
    assert (empty.attempts, empty.size) == (1, 0)
    assert names(application) == []


def test_a_failed_file_that_is_good_now_is_read_and_forgotten(application: Application, tmp_path: Path) -> None:
    (tmp_path / "owls.md").write_bytes(OWLS)
    failure = FailedFile("docs", str(tmp_path / "owls.md"), "owls.md", str(tmp_path), 9, 1, None, "It was locked.")
    application.library.note_failure(failure)
    finish(Dock(application).add_again(failure))
    assert names(application) == ["owls.md"]
    assert application.library.failures() == []


@pytest.mark.parametrize("root", ["/nowhere/at/all", "relative", ""])
def test_a_failed_file_of_a_folder_that_the_page_cannot_read_waits(application: Application, root: str) -> None:
    failure = FailedFile("docs", f"{root}/torn.pdf", "torn.pdf", root, 9, 1, None, "It is torn.")
    assert not may_be_read_now(application, failure)
    assert not may_be_read_now(
        replace(application, settings=replace(application.settings, server_folders="never")), failure
    )
