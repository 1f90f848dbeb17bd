"""Folders of the server are offered to who sits at it, and never one that is not allowed."""

import os
from pathlib import Path
from typing import Any

import pytest

from rag_app.errors import FolderError, PageError, SettingsError
from rag_app.settings import Settings, load_settings
from ui.server_folders import allowed_roots, checked_server_folder, checked_to_be_read, is_local, why_not


def settings(tmp_path: Path, **values: Any) -> Settings:
    return load_settings({"home": tmp_path / "home", **values}, {})


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        ("localhost", {"Host": "localhost:8501"}, True),
        ("127.0.0.1", {"host": "127.0.0.1:8501"}, True),
        ("::1", {"Host": "[::1]:8501"}, True),
        ("0.0.0.0", {"Host": "localhost:8501"}, False),
        ("", {"Host": "localhost"}, False),
        ("localhost", {}, False),
        ("localhost", {"Host": "documents.example"}, False),
        ("localhost", {"Host": "localhost.evil.example:8501"}, False),
        ("localhost", {"Host": "localhost:8501", "X-Forwarded-For": "10.0.0.7"}, False),
        ("localhost", {"Host": "localhost:8501", "forwarded": "for=10.0.0.7"}, False),
    ],
)
def test_a_page_is_local_only_if_it_is_served_and_asked_for_here(
    address: str, headers: dict[str, str], local: bool
) -> None:
    assert is_local(address, headers) is local


def test_a_folder_is_found_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    assert checked_server_folder(f" {tmp_path}/docs/ ", settings(tmp_path)) == (tmp_path / "docs").resolve()


@pytest.mark.parametrize(
    ("typed", "error", "words"),
    [
        ("", PageError, "Type the path"),
        ("docs", PageError, "not a whole path"),
        ("/nowhere/at/all", FolderError, "does not exist"),
        ("~nobody-of-this-name/docs", PageError, "can be followed"),
        ("/bad\0path", PageError, "can be followed"),
    ],
)
def test_what_is_no_folder_is_told_with_what_to_do(
    tmp_path: Path, typed: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        checked_server_folder(typed, settings(tmp_path))


def test_a_file_and_the_programs_own_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "home" / "uploads").mkdir(parents=True)
    with pytest.raises(FolderError, match="is a file"):
        checked_server_folder(str(tmp_path / "a.md"), settings(tmp_path))
    with pytest.raises(PageError, match="belongs to rag_app"):
        checked_server_folder(str(tmp_path / "home" / "uploads"), settings(tmp_path))


def test_only_folders_below_those_allowed_can_be_chosen_and_no_link_or_dots_lead_out(tmp_path: Path) -> None:
    for name in ("open", "also", "closed", "open/in"):
        (tmp_path / name).mkdir()
    (tmp_path / "open" / "link").symlink_to(tmp_path / "closed")
    allowed = settings(tmp_path, server_folders=os.pathsep.join([f"{tmp_path}/open", f"{tmp_path}/also"]))
    assert allowed_roots(allowed) == [tmp_path / "open", tmp_path / "also"]
    for fine in ("open", "open/in", "also"):
        assert checked_server_folder(f"{tmp_path}/{fine}", allowed) == tmp_path / fine
    for wrong in ("closed", "open/../closed", "open/link", "openly", ""):
        with pytest.raises(PageError, match="not allowed here"):
            checked_server_folder(f"{tmp_path}/{wrong}", allowed)


def test_a_folder_that_is_only_looked_at_may_be_the_programs_own_but_no_other_that_is_not_allowed(
    tmp_path: Path,
) -> None:
    allowed = settings(tmp_path, server_folders=f"{tmp_path}/open")
    for fine in ("open/report", "home/report"):
        assert checked_to_be_read(f"{tmp_path}/{fine}", allowed) == tmp_path / fine
    for wrong in ("closed", "home/../closed"):
        with pytest.raises(PageError, match="not allowed here"):
            checked_to_be_read(f"{tmp_path}/{wrong}", allowed)


def test_the_setting_is_local_never_or_whole_paths(tmp_path: Path) -> None:
    assert "never" in why_not(settings(tmp_path, server_folders="never"))
    assert "other machines" in why_not(settings(tmp_path))
    assert allowed_roots(settings(tmp_path)) == []
    for wrong in ("always", "docs", f"/docs{os.pathsep}papers", ""):
        with pytest.raises(SettingsError, match="server_folders"):
            settings(tmp_path, server_folders=wrong)
