"""Read books (.epub): the chapters in the order of reading, each under its title.

After EPUB 3.3 (https://www.w3.org/TR/epub-33/), and EPUB 2's table of contents (NCX).
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ingest.readers.html import add_html, decode_page
from ingest.readers.markup import local_name, parse_xml
from ingest.readers.sections import TextBuilder, one_line
from ingest.readers.zipped import Zipped
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_WHAT = "EPUB book"
_REMEDY = "Convert it to EPUB again (Calibre can), or save its text in another format, and ingest it."
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
# Scrambled fonts are no protection of the words.
_OF_FONTS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_NOT_READ = {"cover", "toc", "title-page", "titlepage", "copyright-page", "index"}
_FIRST_HEADING = re.compile(r"<h[1-6]\b[^>]*>(.*?)</h[1-6]\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_HEAD = re.compile(r"^.*?<body\b[^>]*>", re.IGNORECASE | re.DOTALL)
_BEGINNING = 4_000
_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"


def read_epub(data: bytes, name: str) -> ExtractedText:
    """Read a book; its cover and its tables of contents are left out.

    Raises:
        ReadError: the book is damaged, copy-protected, or made of pictures.
    """
    book = _Book(Zipped(data, name, what=_WHAT, remedy=_REMEDY), name)
    builder = TextBuilder()
    titles = book.titles()
    for member in book.chapters():
        page = _DECLARATION.sub("", decode_page(book.read(member), name), count=1)
        title = titles.get(member)
        builder.leave(1)
        if title:
            _announce(builder, title, page)
        add_html(builder, page)
    if builder.empty:
        raise ReadError(
            f"{name} has no words in its chapters; its pages may be pictures. Save it as PDF, and ingest it."
        )
    return builder.build(title=book.title)


@dataclass(frozen=True, slots=True)
class _Item:
    """A file that a book lists: where it lies, of which kind, and what it is for."""

    member: str
    kind: str
    properties: frozenset[str]


class _Book:
    """The package document of a book, which lists its files and their order."""

    def __init__(self, package: Zipped, name: str) -> None:
        self._package = package
        self._name = name
        self._refuse_protected()
        self._path = self._package_path()
        self._root = self._parse(self._path)
        self._items = {item: found for item, found in self._manifest()}
        self.title = next((one_line(e.text or "") for e in self._root.iter("{*}title") if (e.text or "").strip()), None)

    def read(self, member: str) -> bytes:
        return self._package.read(member)

    def chapters(self) -> Iterator[str]:
        """Yield the pages of the book in the order of reading, each once."""
        left_out = self._covers()
        seen: set[str] = set()
        for reference in self._root.iter("{*}itemref"):
            item = self._items.get(reference.get("idref") or "")
            if item is None or item.kind not in _PAGES or "nav" in item.properties or item.member in left_out | seen:
                continue
            seen.add(item.member)
            yield item.member

    def titles(self) -> dict[str, str]:
        """Return the title that the table of contents gives to each page; the first where it gives several."""
        titles: dict[str, str] = {}
        for item in self._items.values():
            if "nav" in item.properties:
                found = self._nav_titles(item.member)
            elif item.kind == "application/x-dtbncx+xml":
                found = self._ncx_titles(item.member)
            else:
                continue
            for member, title in found:
                titles.setdefault(member, title)
        return titles

    def _refuse_protected(self) -> None:
        if _ENCRYPTION not in self._package:
            return
        methods = [m.get("Algorithm") for m in self._parse(_ENCRYPTION).iter("{*}EncryptionMethod")]
        if any(method not in _OF_FONTS for method in methods):
            raise ReadError(
                f"{self._name} is copy-protected (DRM), so that only the shop's own program can read it. "
                "Ingest a copy without protection, or list it in .ragignore."
            )

    def _package_path(self) -> str:
        if _CONTAINER in self._package:
            for file in self._parse(_CONTAINER).iter("{*}rootfile"):
                if (path := file.get("full-path")) in self._package:
                    return str(path)
        for entry in self._package.members:
            if entry.filename.endswith(".opf"):
                return entry.filename
        raise ReadError(f"{self._name} is damaged or no {_WHAT} (it has no package document). {_REMEDY}")

    def _manifest(self) -> Iterator[tuple[str, _Item]]:
        for item in self._root.iter("{*}item"):
            member = self._resolve(self._path, item.get("href") or "")
            if member in self._package:
                properties = frozenset((item.get("properties") or "").split())
                yield item.get("id") or "", _Item(member, item.get("media-type") or "", properties)

    def _covers(self) -> set[str]:
        references = (r for r in self._root.iter("{*}reference") if (r.get("type") or "").lower() in _NOT_READ)
        return {self._resolve(self._path, reference.get("href") or "") for reference in references}

    def _nav_titles(self, member: str) -> Iterator[tuple[str, str]]:
        root = self._parse(member)
        for nav in root.iter("{*}nav"):
            if nav.get(_EPUB_TYPE) in (None, "toc"):
                for link in nav.iter("{*}a"):
                    yield self._resolve(member, link.get("href") or ""), one_line("".join(link.itertext()))

    def _ncx_titles(self, member: str) -> Iterator[tuple[str, str]]:
        for point in self._parse(member).iter("{*}navPoint"):
            parts = {local_name(child): child for child in point}
            if "navLabel" in parts and "content" in parts:
                title = one_line("".join(parts["navLabel"].itertext()))
                yield self._resolve(member, parts["content"].get("src") or ""), title

    @staticmethod
    def _resolve(beside: str, reference: str) -> str:
        """Return the member that a reference in another one means, without the place in it."""
        path = unquote(reference.partition("#")[0])
        return posixpath.normpath(posixpath.join(posixpath.dirname(beside), path))

    def _parse(self, member: str) -> Any:
        return parse_xml(self._package.read(member), self._name, part=member, remedy=_REMEDY)


def _announce(builder: TextBuilder, title: str, page: str) -> None:
    """Put a chapter under its title, which is added to the text unless the page itself begins with it."""
    found = _FIRST_HEADING.search(page)
    first = one_line(_TAG.sub(" ", found.group(1))).casefold() if found else ""
    wanted = title.casefold()
    if first and (first in wanted or wanted in first):
        return
    words = one_line(_TAG.sub(" ", _HEAD.sub("", page, count=1)[:_BEGINNING])).casefold()
    if words.startswith(wanted):
        builder.enter(1, title)
    else:
        builder.heading(1, title)
