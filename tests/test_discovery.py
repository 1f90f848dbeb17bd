"""Which files of a folder are found."""

import os
import socket
from pathlib import Path

import pytest

from ingest.discovery import discover
from rag_app.errors import FolderError


def write(folder: Path, *names: str, text: str = "Some words.") -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return [file.name for file in discover(folder).files]


def test_files_of_all_folders_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path, "b/deep/er/x.md", "a.txt", "b.txt", "B.txt")
    assert names(tmp_path) == ["B.txt", "a.txt", "b.txt", "b/deep/er/x.md"]


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".secret.txt", ".git/config.txt", "seen.txt")
    assert names(tmp_path) == ["seen.txt"]


def test_an_ignore_file_leaves_out_what_it_lists(tmp_path: Path) -> None:
    write(tmp_path, "keep.txt", "draft.txt", "old/one.txt", "deep/draft.txt", "deep/note.log", "deep/keep.log")
    write(tmp_path, ".ragignore", text="draft.txt\nold/\n*.log\n!keep.log\n# a comment\n")
    assert names(tmp_path) == ["deep/keep.log", "keep.txt"]


def test_a_nested_ignore_file_holds_below_its_own_folder_and_overrules_the_outer_one(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "in/a.txt", "in/b.txt", "in/c.log", "c.log")
    write(tmp_path, ".ragignore", text="*.log\n")
    write(tmp_path, "in/.ragignore", text="/a.txt\n!c.log\n")
    assert names(tmp_path) == ["a.txt", "in/b.txt", "in/c.log"]


def test_an_ignore_file_that_is_a_pipe_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".ragignore")
    with pytest.raises(FolderError, match=r"\.ragignore is no regular file"):
        discover(tmp_path)


def test_an_ignore_file_with_an_impossible_pattern_is_named(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    write(tmp_path, ".ragignore", text="!\n")
    with pytest.raises(FolderError, match=r"\.ragignore cannot be used"):
        discover(tmp_path)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.txt", "inside/a.txt")
    (tmp_path / "inside/link.txt").symlink_to(tmp_path / "outside/secret.txt")
    (tmp_path / "inside/folder").symlink_to(tmp_path / "outside")
    found = discover(tmp_path / "inside")
    assert [file.name for file in found.files] == ["a.txt"]
    assert found.skipped == 2
    assert not found.failures


def test_links_within_the_folder_make_no_doubles_and_no_loops(tmp_path: Path) -> None:
    write(tmp_path, "a/one.txt")
    (tmp_path / "a/again").symlink_to(tmp_path)
    (tmp_path / "two.txt").symlink_to(tmp_path / "a/one.txt")
    assert names(tmp_path) == ["a/one.txt"]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    write(tmp_path, "real/one.txt")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (found,) = discover(tmp_path / "link").files
    assert found.path == tmp_path.resolve() / "real/one.txt"


def test_a_link_to_nothing_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nothing")
    (failure,) = discover(tmp_path).failures
    assert failure.name == "gone.txt"
    assert "does not exist" in failure.reason


def test_a_pipe_and_a_socket_are_failures_and_are_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    os.mkfifo(tmp_path / "pipe_without_suffix")
    with socket.socket(socket.AF_UNIX) as server:
        previous = Path.cwd()
        os.chdir(tmp_path)  # The path of a socket must be short.
        try:
            server.bind("socket.txt")
        finally:
            os.chdir(previous)
        found = discover(tmp_path)
    assert [failure.name for failure in found.failures] == ["pipe.txt", "socket.txt"]
    assert found.skipped == 1


def test_a_link_to_a_name_that_no_system_takes_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to("x" * 300)
    write(tmp_path, "a.txt")
    found = discover(tmp_path)
    assert ([file.name for file in found.files], [failure.name for failure in found.failures]) == (
        ["a.txt"],
        ["link.txt"],
    )


def test_folders_may_lie_a_thousand_deep(tmp_path: Path) -> None:
    places = [tmp_path]
    for _ in range(1200):
        places.append(places[-1] / "d")
        places[-1].mkdir()
    write(tmp_path, "a.txt")
    write(places[-1], "b.txt")
    found = names(tmp_path)
    # Not left to whoever empties the folder, for most programs would do it by recursion.
    (places[-1] / "b.txt").unlink()
    for place in reversed(places[1:]):
        place.rmdir()
    assert found == ["a.txt", "d/" * 1200 + "b.txt"]


def test_a_folder_that_is_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "notes.txt/inner.txt")
    assert names(tmp_path) == ["notes.txt/inner.txt"]


def test_an_unknown_suffix_is_read_when_its_content_is_text(tmp_path: Path) -> None:
    write(tmp_path, "LICENSE", "notes.wiki")
    write(tmp_path, "long.unknown", text="ü" * 10_000)
    (tmp_path / "picture.psd").write_bytes(b"8BPS\0\1\0\0\0\0\0\0")
    (tmp_path / "blob.bin").write_bytes(bytes(range(128, 256)) * 40)
    found = discover(tmp_path)
    assert [file.name for file in found.files] == ["LICENSE", "long.unknown", "notes.wiki"]
    assert found.skipped == 2


def test_empty_source_files_are_passed_over_but_an_empty_document_is_not(tmp_path: Path) -> None:
    write(tmp_path, "__init__.py", "empty.txt", text="")
    assert names(tmp_path) == ["empty.txt"]


def test_a_name_that_is_no_utf8_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text("words", encoding="utf-8")
    (failure,) = discover(tmp_path).failures
    assert "not valid UTF-8" in failure.reason
    assert failure.name.encode("utf-8")


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert discover(tmp_path).files == []


def test_a_missing_folder_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"nowhere does not exist. Check its spelling"):
        discover(tmp_path / "nowhere")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    with pytest.raises(FolderError, match="is a file, not a folder"):
        discover(tmp_path / "a.txt")


def test_a_link_that_points_to_itself_cannot_be_listed(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(FolderError, match="cannot be listed"):
        discover(tmp_path / "loop")


def test_pictures_are_passed_over_where_no_text_can_be_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "known.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "notes.md").write_text("Words.")
    monkeypatch.setenv("PATH", "")
    found = discover(tmp_path, known={str(tmp_path / "known.png")})
    assert [file.name for file in found.files] == ["known.png", "notes.md"]
    assert (found.skipped, found.pictures, found.failures) == (1, 1, [])
