"""The guard before files that are zip archives inside."""

import io
import zipfile

import pytest

from ingest.readers.zipped import MOST_MEMBERS, Zipped, leads_outside
from rag_app.errors import ReadError
from tests.office_makers import zipped


def opened(data: bytes) -> Zipped:
    return Zipped(data, "a.docx", what="Word document", remedy="Save it again.")


def test_members_are_listed_without_folders_and_read() -> None:
    package = opened(zipped({"folder/": "", "folder/a.xml": "<a/>"}))
    assert [entry.filename for entry in package.members] == ["folder/a.xml"]
    assert "folder/a.xml" in package
    assert package.read("folder/a.xml") == b"<a/>"


def test_of_members_with_the_same_name_the_last_counts() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("a.xml", "old")
        with pytest.warns(UserWarning, match="Duplicate name"):
            package.writestr("a.xml", "new")
    assert opened(out.getvalue()).read("a.xml") == b"new"


def test_a_missing_member_is_damage() -> None:
    with pytest.raises(ReadError, match=r"a\.docx is damaged or no Word document \(it has no part b\.xml\)\. Save it"):
        opened(zipped({"a.xml": "<a/>"})).read("b.xml")


def test_too_many_members_are_refused() -> None:
    with pytest.raises(ReadError, match=r"a\.docx packs 20,001 files, more than the 20,000"):
        opened(zipped({str(number): "" for number in range(MOST_MEMBERS + 1)}))


def test_what_packs_too_well_is_refused() -> None:
    with pytest.raises(ReadError, match=r"a\.docx would unpack to \d+ times its size"):
        opened(zipped({"a.xml": b" " * 65 * 2**20}))


def test_a_member_under_a_password_says_so() -> None:
    data = bytearray(zipped({"a.xml": "<a/>"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ReadError, match=r"a\.docx is password-protected"):
        opened(bytes(data)).read("a.xml")


def test_a_member_packed_in_an_unknown_way_is_damage() -> None:
    data = bytearray(zipped({"a.xml": "<a/>"}))
    data[8] = data[data.index(b"PK\x01\x02") + 10] = 99
    with pytest.raises(ReadError, match=r"a\.docx is damaged"):
        opened(bytes(data)).check()


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "C:\\a", "..\\a", "\\\\host\\a", ""])
def test_names_that_lead_outside_are_known(name: str) -> None:
    assert leads_outside(name)


@pytest.mark.parametrize("name", ["a", "a/b.txt", "a..b/c", "a/b: c.txt"])
def test_other_names_lead_nowhere_else(name: str) -> None:
    assert not leads_outside(name)


def test_a_member_without_a_name_does_no_harm() -> None:
    package = opened(zipped({"ab": "<a/>"}).replace(b"ab", b"\0b"))
    assert [entry.filename for entry in package.members] == [""]
