"""Uploaded files stay in their folder, whatever they are called, and a failed one leaves what was there before."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.errors import PageError
from ui.uploads import NAME_BYTES, KeptUploads, checked_collection, safe_name, upload_folder


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


def test_a_file_that_fails_leaves_nothing(tmp_path: Path) -> None:
    kept = KeptUploads(tmp_path / "in", [Dropped("good.md", b"good"), Dropped("bad.pdf", b"bad")])
    kept.settle(["bad.pdf"])
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["good.md"]


def test_a_new_version_replaces_the_file_and_one_that_fails_gives_it_back(tmp_path: Path) -> None:
    KeptUploads(tmp_path, [Dropped("a.md", b"first")]).settle([])
    KeptUploads(tmp_path, [Dropped("a.md", b"second")]).settle([])
    assert (tmp_path / "a.md").read_bytes() == b"second"
    KeptUploads(tmp_path, [Dropped("a.md", b"broken")]).settle(["a.md"])
    assert (tmp_path / "a.md").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def test_of_two_files_with_one_name_the_last_is_kept(tmp_path: Path) -> None:
    kept = KeptUploads(tmp_path, [Dropped("a.md", b"first"), Dropped("b/a.md", b"second")])
    kept.settle([])
    assert kept.paths == [tmp_path / "a.md"]
    assert (tmp_path / "a.md").read_bytes() == b"second"


def test_an_upload_that_cannot_be_kept_is_told_with_its_cause(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(PageError, match="cannot be kept"):
        KeptUploads(tmp_path / "uploads" / "default", [Dropped("a.md", b"x")])
