"""Reading books."""

from collections.abc import Mapping

import pytest

from ingest.readers import read_document
from rag_app.errors import ReadError
from rag_app.records import ExtractedText
from tests.office_makers import DAMAGED_PACKAGES, Damage, with_members, zipped

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
NCX = (
    '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>'
    '<navPoint><navLabel><text>The Storm</text></navLabel><content src="text/two.xhtml#start"/></navPoint>'
    "</navMap></ncx>"
)
NAV = (
    '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>'
    '<nav epub:type="toc"><ol><li><a href="text/two.xhtml">The <b>Storm</b></a></li>'
    '<li><a href="text/one.xhtml">Beginnings</a></li></ol></nav>'
    '<nav epub:type="landmarks"><ol><li><a href="text/three.xhtml">Start here</a></li></ol></nav></body></html>'
)


def page(body: str) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">'
        f"<head><title/></head><body>{body}</body></html>"
    )


def package(*, toc: str = '<item id="toc" href="toc.ncx" media-type="application/x-dtbncx+xml"/>') -> str:
    items = "".join(
        f'<item id="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in ("cover", "one", "two", "three")
    )
    references = "".join(
        f'<itemref idref="{name}"/>' for name in ("cover", "nav", "one", "two", "three", "one", "gone")
    )
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Long Sea</dc:title></metadata>'
        f"<manifest>{items}{toc}</manifest><spine>{references}</spine>"
        '<guide><reference type="cover" href="text/cover.xhtml"/></guide></package>'
    )


def book(changes: Mapping[str, str | bytes | None] | None = None) -> bytes:
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": package(),
        "OEBPS/toc.ncx": NCX,
        "OEBPS/text/cover.xhtml": page("<p>The cover</p>"),
        "OEBPS/text/one.xhtml": page("<h1>Beginnings</h1><p>It was calm.</p><h2>Morning</h2><p>Birds.</p>"),
        "OEBPS/text/two.xhtml": page("<p>Then it blew&#160;hard.</p><ul><li>wind</li><li>rain</li></ul>"),
        "OEBPS/text/three.xhtml": page("<p>An end.</p>"),
    }
    return with_members(zipped(members), changes or {})


def read(data: bytes) -> ExtractedText:
    return read_document(data, "a.epub")


def sections(extracted: ExtractedText) -> list[tuple[str | None, str]]:
    return [(s.heading, extracted.text[s.start : s.end]) for s in extracted.sections]


def test_chapters_are_read_in_their_order_under_their_titles() -> None:
    extracted = read(book())
    assert sections(extracted) == [
        ("Beginnings", "Beginnings\n\nIt was calm."),
        ("Beginnings > Morning", "Morning\n\nBirds."),
        ("The Storm", "The Storm\n\nThen it blew hard.\n\n- wind\n- rain"),
        (None, "An end."),
    ]
    assert (extracted.title, extracted.format) == ("The Long Sea", "epub")


def test_titles_come_from_the_navigation_of_newer_books() -> None:
    nav = '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    extracted = read(book({"OEBPS/book.opf": package(toc=nav), "OEBPS/nav.xhtml": NAV, "OEBPS/toc.ncx": None}))
    assert [heading for heading, _ in sections(extracted)] == ["Beginnings", "Beginnings > Morning", "The Storm", None]


def test_a_title_that_the_page_begins_with_is_not_added_again() -> None:
    extracted = read(book({"OEBPS/text/two.xhtml": page('<p class="title">The storm</p><p>It blew.</p>')}))
    assert ("The Storm", "The storm\n\nIt blew.") in sections(extracted)


def test_a_book_without_a_container_file_is_found_by_its_package() -> None:
    assert read(book({"META-INF/container.xml": None})).title == "The Long Sea"


def encryption(method: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        f'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="{method}"/>'
        "</EncryptedData></encryption>"
    )


def test_a_copy_protected_book_says_so() -> None:
    protected = book({"META-INF/encryption.xml": encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc")})
    with pytest.raises(ReadError, match=r"a\.epub is copy-protected \(DRM\)"):
        read(protected)


def test_scrambled_fonts_are_no_copy_protection() -> None:
    assert read(book({"META-INF/encryption.xml": encryption("http://www.idpf.org/2008/embedding")})).sections


def test_a_book_of_pictures_says_so() -> None:
    pictures = dict.fromkeys(
        (f"OEBPS/text/{name}.xhtml" for name in ("one", "two", "three")), page("<img src='a.png'/>")
    )
    with pytest.raises(ReadError, match=r"a\.epub has no words in its chapters"):
        read(book({**pictures, "OEBPS/toc.ncx": "<ncx/>"}))


@pytest.mark.parametrize(
    "changes",
    [
        {"META-INF/container.xml": None, "OEBPS/book.opf": None},
        {"OEBPS/book.opf": "<package"},
        {"META-INF/container.xml": "no XML"},
    ],
)
def test_a_book_without_readable_contents_says_why(changes: Mapping[str, str | bytes | None]) -> None:
    with pytest.raises(ReadError, match=r"a\.epub is damaged"):
        read(book(changes))


@pytest.mark.parametrize("damage", DAMAGED_PACKAGES)
def test_a_damaged_book_says_why(damage: Damage) -> None:
    with pytest.raises(ReadError, match=r"a\.epub is damaged or no EPUB book"):
        read(damage(book({"OEBPS/text/one.xhtml": page("".join(f"<p>Line {n * 7919}.</p>" for n in range(900)))})))
