"""Uploaded files stay in their folder, whatever they are called, and a failed one leaves what was there before."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.errors import PageError
from ui.uploads import (
    NAME_BYTES,
    PATH_BYTES,
    KeptUploads,
    checked_collection,
    is_hidden,
    safe_name,
    safe_path,
    unfinished,
    upload_folder,
)


@dataclass
class Dropped:
    name: str
    data: bytes

    def getbuffer(self) -> memoryview:
        return memoryview(self.data)


@pytest.mark.parametrize(
    ("given_name", "kept_name"),
    [
        ("leave.md", "leave.md"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\report.docx", "report.docx"),
        ("/", "document"),
        ("..", "document"),
        (".hidden.md", "hidden.md"),
        (". .\x00", "_"),
        ("a\x00b\n.txt", "a_b_.txt"),
        ('<img src="x">.md', "_img src=_x__.md"),
        ("con.txt", "_con.txt"),
        ("Urlaub für Ärzte.pdf", "Urlaub für Ärzte.pdf"),
    ],
)
def test_a_name_is_kept_without_what_leads_out_of_the_folder(given_name: str, kept_name: str) -> None:
    assert safe_name(given_name) == kept_name


@given(st.text(max_size=400))
def test_every_name_is_a_plain_visible_file_name_of_bounded_length(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe == Path(safe).name
    assert not safe.startswith(".")
    assert "\\" not in safe
    assert len(safe.encode(errors="surrogatepass")) <= NAME_BYTES


def test_a_long_name_keeps_its_suffix() -> None:
    assert safe_name("ö" * 300 + ".pdf").endswith("ö.pdf")


@given(st.text(min_size=1, max_size=80))
def test_a_collections_folder_lies_directly_below_the_uploads(name: str) -> None:
    try:
        collection = checked_collection(name)
    except PageError:
        return
    assert upload_folder(Path("/home"), collection).parent == Path("/home/uploads")


def test_collections_that_differ_have_folders_that_differ() -> None:
    names = ["a", "A/b", "a_b", "a b", "..", ".", "%2E", "a%2Fb"]
    folders = {str(upload_folder(Path("/home"), name)) for name in names}
    assert len(folders) == len(names)


@pytest.mark.parametrize("name", ["", "  ", None, "x" * 61, "line\nbreak"])
def test_a_name_that_is_none_is_no_collection(name: str | None) -> None:
    with pytest.raises(PageError, match="1 to 60 printable"):
        checked_collection(name)


@pytest.mark.parametrize(
    ("given_name", "kept_path"),
    [
        ("papers/2024/leave.md", "papers/2024/leave.md"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Users\\me\\report.docx", "Users/me/report.docx"),
        ("a/./b//c/../d.md", "a/b/c/d.md"),
        (".hidden/.git/config", "hidden/git/config"),
        ("", "document"),
        ("/".join(["deep"] * 30) + "/leaf.md", "/".join(["deep"] * 20) + "/leaf.md"),
    ],
)
def test_a_file_of_a_folder_keeps_its_path_without_what_leads_out_of_the_folder(
    given_name: str, kept_path: str
) -> None:
    assert safe_path(given_name).as_posix() == kept_path


@given(st.text(alphabet=st.sampled_from("ab./\\:~ü \x00"), max_size=60) | st.text(max_size=300))
def test_every_path_stays_in_its_folder_and_hides_nothing(name: str) -> None:
    path = safe_path(name)
    assert not path.is_absolute()
    assert all(part == safe_name(part) and not part.startswith(".") for part in path.parts)
    assert len(path.as_posix().encode()) <= PATH_BYTES


def test_a_path_that_is_too_long_keeps_its_outermost_folders() -> None:
    path = safe_path("/".join(f"{letter * 150}" for letter in "abcdefgh") + "/leaf.md")
    assert path.parts[0] == "a" * 150
    assert path.name == "leaf.md"
    assert len(path.as_posix()) <= PATH_BYTES


@pytest.mark.parametrize(
    ("name", "hidden"), [("a/b.md", False), ("a/.git/b", True), (".DS_Store", True), ("./a", False)]
)
def test_hidden_files_of_a_folder_are_known(name: str, hidden: bool) -> None:
    assert is_hidden(name) is hidden


def keep(home: Path, *files: Dropped) -> KeptUploads:
    return KeptUploads.keep(home, "default", files)


def bring_in(home: Path, *files: Dropped, failed: Iterable[str] = ()) -> None:
    kept = keep(home, *files)
    kept.place()
    kept.settle(failed)


def files_of(home: Path) -> dict[str, bytes]:
    """Return all files of a home, hidden ones too."""
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_a_file_that_fails_leaves_nothing(tmp_path: Path) -> None:
    bring_in(tmp_path, Dropped("good.md", b"good"), Dropped("a/b/bad.pdf", b"bad"), failed=["a/b/bad.pdf"])
    assert files_of(tmp_path) == {"uploads/default/good.md": b"good"}
    assert not (tmp_path / "uploads/default/a").exists()


def test_a_new_version_replaces_the_file_and_one_that_fails_gives_it_back(tmp_path: Path) -> None:
    bring_in(tmp_path, Dropped("in/a.md", b"first"))
    bring_in(tmp_path, Dropped("in/a.md", b"second"))
    assert files_of(tmp_path) == {"uploads/default/in/a.md": b"second"}
    bring_in(tmp_path, Dropped("in/a.md", b"broken"), failed=["in/a.md"])
    assert files_of(tmp_path) == {"uploads/default/in/a.md": b"second"}


def test_of_two_files_with_one_name_the_last_is_kept(tmp_path: Path) -> None:
    bring_in(tmp_path, Dropped("a.md", b"first"), Dropped("./a.md", b"second"))
    assert files_of(tmp_path) == {"uploads/default/a.md": b"second"}


def test_an_upload_that_cannot_be_kept_is_told_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(PageError, match="cannot be kept"):
        keep(tmp_path, Dropped("a.md", b"x"))


def test_a_file_does_not_take_the_place_of_a_folder(tmp_path: Path) -> None:
    bring_in(tmp_path, Dropped("a/b.md", b"inside"))
    kept = keep(tmp_path, Dropped("a", b"a file"), Dropped("c.md", b"beside"))
    with pytest.raises(PageError, match="a is a folder there"):
        kept.place()
    kept.settle(kept.names)
    assert files_of(tmp_path) == {"uploads/default/a/b.md": b"inside"}


def test_uploads_wait_unseen_until_their_turn_and_are_known_after_a_restart_in_their_order(tmp_path: Path) -> None:
    KeptUploads.keep(tmp_path, "first", [Dropped("a.md", b"a")])
    KeptUploads.keep(tmp_path, "sécond/.", [Dropped("x/b.md", b"b")])
    assert not list((tmp_path / "uploads").glob("[!.]*"))
    found = unfinished(tmp_path)
    assert [(kept.collection, kept.names) for kept in found] == [("first", ("a.md",)), ("sécond/.", ("x/b.md",))]
    found[1].place()
    assert found[1].paths[0].read_bytes() == b"b"


WAITING, FOLDER = "uploads/.waiting/1", "uploads/default"
RECORD = {f"{WAITING}/upload.json": b'{"collection": "default", "names": ["a.md", "b.md"]}'}
NEW_A, NEW_B = {f"{WAITING}/files/a.md": b"new a"}, {f"{WAITING}/files/b.md": b"new b"}
ASIDE_A, ASIDE_B = {f"{FOLDER}/.a.md.replaced": b"old a"}, {f"{FOLDER}/.b.md.replaced": b"old b"}


@pytest.mark.parametrize(
    "left",
    [
        NEW_A | NEW_B | {f"{FOLDER}/a.md": b"old a", f"{FOLDER}/b.md": b"old b"},
        NEW_A | NEW_B | ASIDE_A | {f"{FOLDER}/b.md": b"old b"},
        NEW_B | ASIDE_A | {f"{FOLDER}/a.md": b"new a", f"{FOLDER}/b.md": b"old b"},
        ASIDE_A | ASIDE_B | {f"{FOLDER}/a.md": b"new a", f"{FOLDER}/b.md": b"new b"},
        ASIDE_B | {f"{FOLDER}/a.md": b"old a", f"{FOLDER}/b.md": b"new b"},
        {f"{FOLDER}/a.md": b"old a", f"{FOLDER}/b.md": b"new b"},
    ],
    ids=["waiting", "one set aside", "one placed", "both placed", "one settled", "both settled"],
)
def test_wherever_the_program_was_killed_the_next_start_finishes_the_upload(
    tmp_path: Path, left: dict[str, bytes]
) -> None:
    for name, content in (RECORD | left).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (kept,) = unfinished(tmp_path)
    kept.place()
    # The new a fails, as it did or would have done before; the old one is as good as ever.
    kept.settle(["a.md"] if kept.paths[0].read_bytes() == b"new a" else [])
    assert files_of(tmp_path) == {f"{FOLDER}/a.md": b"old a", f"{FOLDER}/b.md": b"new b"}


def test_what_an_upload_that_never_became_whole_left_behind_is_removed(tmp_path: Path) -> None:
    keep(tmp_path, Dropped("a.md", b"half"))
    next(tmp_path.rglob("upload.json")).unlink()
    assert unfinished(tmp_path) == []
    assert files_of(tmp_path) == {}


def test_a_record_that_leads_elsewhere_touches_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "secret.md").write_bytes(b"secret")
    keep(tmp_path / "home", Dropped("a.md", b"a"))
    record = next(tmp_path.rglob("upload.json"))
    record.write_text('{"collection": "default", "names": ["../../../secret.md"]}')
    (kept,) = unfinished(tmp_path / "home")
    kept.place()
    kept.settle(kept.names)
    assert (tmp_path / "secret.md").read_bytes() == b"secret"


def test_files_set_aside_by_an_older_version_are_put_back_where_nothing_took_their_place(tmp_path: Path) -> None:
    folder = tmp_path / "uploads" / "default"
    folder.mkdir(parents=True)
    (folder / ".lost.md.replaced").write_bytes(b"old")
    (folder / ".kept.md.replaced").write_bytes(b"old")
    (folder / "kept.md").write_bytes(b"new")
    (folder / ".torn.md.incoming").write_bytes(b"ha")
    assert unfinished(tmp_path) == []
    assert files_of(tmp_path) == {"uploads/default/lost.md": b"old", "uploads/default/kept.md": b"new"}
