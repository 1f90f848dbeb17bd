"""A collection follows the name of its folder, also where the name comes to lead elsewhere."""

from pathlib import Path
from threading import Event

import pytest

from ingest.watch import watch_folder
from tests.folders import Desk, write


@pytest.fixture
def manual(desk: Desk, tmp_path: Path) -> Path:
    """Return a link to the first of two releases of a manual, which has been ingested by this name."""
    write(tmp_path / "v1", "same.txt", "The lamp is lit at dusk.")
    write(tmp_path / "v1", "in/changed.txt", "The gate closes at nine.")
    write(tmp_path / "v1", "dropped.txt", "The bell is rung at dawn.")
    write(tmp_path / "v2", "same.txt", "The lamp is lit at dusk.")
    write(tmp_path / "v2", "in/changed.txt", "The gate closes at five.")
    write(tmp_path / "v2", "new.txt", "The mill stands still on Sunday.")
    link = tmp_path / "manual"
    link.symlink_to(tmp_path / "v1")
    desk.ingest(link)
    return link


def switch(link: Path, name: str) -> None:
    link.unlink()
    link.symlink_to(link.with_name(name))


def test_a_link_that_is_switched_takes_its_documents_along(desk: Desk, manual: Path, tmp_path: Path) -> None:
    before = desk.documents()
    assert {document.root for document in before.values()} == {str(manual)}
    switch(manual, "v2")
    dry = desk.ingest(manual, dry_run=True)
    assert desk.documents() == before
    report = desk.ingest(manual)
    assert (report.added, report.updated, report.removed) == (("new.txt",), ("in/changed.txt",), ("dropped.txt",))
    assert (report.unchanged, report.moved, report.warnings) == (1, (), ())
    assert (dry.added, dry.updated, dry.removed, dry.unchanged) == (
        ("new.txt",),
        ("in/changed.txt",),
        ("dropped.txt",),
        1,
    )
    after = desk.documents()
    assert {name: document.path for name, document in after.items()} == {
        name: str(tmp_path / "v2" / name) for name in ("same.txt", "in/changed.txt", "new.txt")
    }
    assert [after[name].id for name in ("same.txt", "in/changed.txt")] == [
        before[name].id for name in ("same.txt", "in/changed.txt")
    ]
    # Releases of one size and time are told apart by their content.
    assert desk.texts()["in/changed.txt"] == "The gate closes at five."
    assert desk.ingest(manual).unchanged == 3
    assert desk.library.verify().problems == ()


def test_a_folder_in_the_place_of_the_link_and_a_link_back_are_followed_too(desk: Desk, manual: Path) -> None:
    manual.unlink()
    write(manual, "same.txt", "The lamp is lit at dusk.")
    assert (desk.ingest(manual).unchanged, list(desk.documents())) == (1, ["same.txt"])
    (manual / "same.txt").unlink()
    manual.rmdir()
    manual.symlink_to(manual.with_name("v1"))
    assert len(desk.ingest(manual).added) == 2
    assert len(desk.documents()) == 3


def test_a_folder_that_is_also_ingested_by_its_own_name_is_left_alone(desk: Desk, manual: Path, tmp_path: Path) -> None:
    assert desk.ingest(tmp_path / "v1").unchanged == 3
    switch(manual, "v2")
    report = desk.ingest(manual)
    assert (report.removed, report.updated, len(report.added)) == ((), (), 3)
    assert sum(document.root == str(tmp_path / "v1") for document in desk.library.documents()) == 3


def test_a_library_that_holds_both_versions_already_keeps_the_one_that_is_there(
    desk: Desk, manual: Path, tmp_path: Path
) -> None:
    desk.ingest(tmp_path / "v2")
    switch(manual, "v2")
    report = desk.ingest(manual)
    assert (report.unchanged, set(report.removed)) == (3, {"same.txt", "in/changed.txt", "dropped.txt"})
    assert {document.path for document in desk.library.documents()} == {
        str(tmp_path / "v2" / name) for name in ("same.txt", "in/changed.txt", "new.txt")
    }


def test_a_link_that_leads_to_an_empty_folder_removes_nothing_unless_told(desk: Desk, tmp_path: Path) -> None:
    for number in range(25):
        write(tmp_path / "full", f"{number}.txt", f"The lamp number {number}.")
    (tmp_path / "empty").mkdir()
    link = tmp_path / "linked"
    link.symlink_to(tmp_path / "full")
    desk.ingest(link)
    switch(link, "empty")
    assert (len(desk.ingest(link).kept), len(desk.documents())) == (25, 25)
    switch(link, "full")
    assert (desk.ingest(link).unchanged, len(desk.documents())) == (25, 25)


def test_failures_of_the_former_folder_are_forgotten(desk: Desk, manual: Path) -> None:
    write(manual, "broken.pdf", b"%PDF-1.4 broken")
    assert len(desk.ingest(manual).failures) == 1
    switch(manual, "v2")
    assert desk.ingest(manual).failures == ()
    assert desk.library.failures() == []


def test_a_watched_link_is_told_when_it_is_switched(manual: Path) -> None:
    stop = Event()
    rounds = watch_folder(manual, stop=stop)
    next(rounds)
    switch(manual, "v2")
    next(rounds)
    write(manual, "later.txt", "Words.")
    next(rounds)
    stop.set()
    assert list(rounds) == []


def test_two_dots_behind_a_link_are_no_other_folder_of_that_name(desk: Desk, tmp_path: Path) -> None:
    write(tmp_path / "notes", "here.txt", "The lamp is lit at dusk.")
    write(tmp_path / "away" / "notes", "there.txt", "The gate closes at nine.")
    (tmp_path / "away" / "inner").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "away" / "inner")
    desk.ingest(tmp_path / "notes")
    report = desk.ingest(tmp_path / "link" / ".." / "notes")
    assert (report.added, report.removed) == (("there.txt",), ())
    assert {document.root for document in desk.library.documents()} == {
        str(tmp_path / "notes"),
        str(tmp_path / "away" / "notes"),
    }


def test_a_link_behind_two_dots_is_followed(desk: Desk, manual: Path) -> None:
    named = manual.parent / "v1" / ".." / manual.name
    assert desk.ingest(named).unchanged == 3
    switch(manual, "v2")
    assert desk.ingest(named).updated == ("in/changed.txt",)
    assert {document.root for document in desk.library.documents()} == {str(manual)}
