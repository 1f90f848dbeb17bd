"""Make small whole files of every format, and spoil them: cut off, with flipped bits, nested, hostile and huge."""

import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from email.message import EmailMessage

import openpyxl
import pptx

from tests.corpus_makers import handbook_word, pdf, pdf_table
from tests.odd_texts import MARKDOWN, TABLE, TEXTS, WORDS
from tests.ppt_maker import old_deck


def packed(members: Mapping[str, bytes], *, stored: tuple[str, ...] = ()) -> bytes:
    """Return a zip file; the members in ``stored`` are not compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def mail(*, attached: Mapping[str, bytes] | None = None, inside: EmailMessage | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "Ann <ann@example.org>", "Bob <bob@example.org>"
    message["Subject"], message["Date"] = "Größe of the leave", "Mon, 01 Jan 2024 10:00:00 +0000"
    message.set_content(WORDS)
    message.add_alternative(f"<p>{WORDS}</p>", subtype="html")
    for name, content in (attached or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    if inside:
        message.add_attachment(inside)
    return message


def mail_bytes() -> bytes:
    return mail(attached={"table.csv": TABLE.encode(), "notes.md": MARKDOWN.encode()}, inside=mail()).as_bytes()


def mailbox() -> bytes:
    one = b"From ann@example.org Mon Jan  1 10:00:00 2024\n" + mail().as_bytes() + b"\n"
    return one * 3


def notebook() -> bytes:
    outputs = [
        {"output_type": "stream", "text": ["ten\n", "days\n"]},
        {"output_type": "execute_result", "data": {"text/html": "<table><tr><td>1</td></tr></table>"}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Leave\n", WORDS]},
        {"cell_type": "code", "source": "print(10)", "outputs": outputs},
    ]
    return json.dumps({"nbformat": 4, "cells": cells}).encode()


def png() -> bytes:
    """Return a picture of 8 by 8 grey dots."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + bytes(range(0, 256, 32)) for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deck() -> bytes:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Leave"
    slide.placeholders[1].text = WORDS
    slide.notes_slide.notes_text_frame.text = "Say it slowly."
    out = io.BytesIO()
    presentation.save(out)
    return out.getvalue()


def workbook() -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "Leave"
    for row in (("Name", "Days", "Note"), ("North", 10, WORDS), ("South", 12, None)):
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" office:version="1.3"'
)
_ODF_BODIES = {
    "text": f'<text:h text:outline-level="1">Leave</text:h><text:p>{WORDS}</text:p>'
    "<text:list><text:list-item><text:p>one</text:p></text:list-item></text:list>",
    "spreadsheet": '<table:table table:name="Leave"><table:table-row><table:table-cell office:value-type="string">'
    '<text:p>North</text:p></table:table-cell><table:table-cell office:value-type="float" office:value="10">'
    "<text:p>10</text:p></table:table-cell></table:table-row></table:table>",
    "presentation": f'<draw:page draw:name="one"><draw:frame><draw:text-box><text:p>{WORDS}</text:p></draw:text-box>'
    "</draw:frame></draw:page>",
}


def open_document(kind: str) -> bytes:
    """Return an OpenDocument file: a "text", a "spreadsheet" or a "presentation"."""
    body = f"<office:body><office:{kind}>{_ODF_BODIES[kind]}</office:{kind}></office:body>"
    return packed(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}".encode(),
            "content.xml": f"<office:document-content {_ODF}>{body}</office:document-content>".encode(),
            "META-INF/manifest.xml": b"<manifest xmlns='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>",
        },
        stored=("mimetype",),
    )


def flat_open_document() -> bytes:
    return (
        f"<?xml version='1.0'?><office:document {_ODF} office:mimetype='application/vnd.oasis.opendocument.text'>"
        f"<office:body><office:text>{_ODF_BODIES['text']}</office:text></office:body></office:document>"
    ).encode()


def book() -> bytes:
    package = (
        "<package xmlns='http://www.idpf.org/2007/opf' version='3.0'><metadata "
        "xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>Leave</dc:title></metadata><manifest>"
        "<item id='a' href='a.xhtml' media-type='application/xhtml+xml'/></manifest>"
        "<spine><itemref idref='a'/></spine></package>"
    )
    container = (
        "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container' version='1.0'><rootfiles>"
        "<rootfile full-path='book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>"
    )
    chapter = f"<html xmlns='http://www.w3.org/1999/xhtml'><body><h1>Leave</h1><p>{WORDS}</p></body></html>"
    return packed(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": container.encode(),
            "book.opf": package.encode(),
            "a.xhtml": chapter.encode(),
        },
        stored=("mimetype",),
    )


def archive() -> bytes:
    return packed(
        {
            "a.md": MARKDOWN.encode(),
            "deep/b.csv": TABLE.encode(),
            "c.zip": packed({"d.txt": WORDS.encode()}),
            "e.eml": mail().as_bytes(),
        }
    )


# A small whole file of each format that is read, by its suffix; made anew each time, for some take long to make.
WHOLE: dict[str, Callable[[], bytes]] = {
    **{suffix: text.encode for suffix, text in TEXTS.items()},
    ".pdf": lambda: pdf(["# Leave", WORDS, pdf_table([["A", "B"], ["1", "2"]])], outline=True),
    ".docx": handbook_word,
    ".pptx": deck,
    ".xlsx": workbook,
    ".ppt": old_deck,
    ".odt": lambda: open_document("text"),
    ".ods": lambda: open_document("spreadsheet"),
    ".odp": lambda: open_document("presentation"),
    ".fodt": flat_open_document,
    ".epub": book,
    ".ipynb": notebook,
    ".eml": mail_bytes,
    ".mbox": mailbox,
    ".zip": archive,
    ".png": png,
}


_NUMBER = re.compile(rb"\d+")
_WORD = re.compile(rb"[A-Za-z]+")
_ODD_NUMBERS = (b"", b"-1", b"0", b"1.5", b"65536", b"99999999999999999999", b"1e999", b"NaN", b"\xc2\xb2", b"x")


def spoiled(data: bytes, seed: int) -> bytes:
    """Return a file spoiled in the way that belongs to this seed; every third zip file is spoiled inside, too."""
    chance = random.Random(seed)
    if data.startswith(b"PK") and seed % 3:
        return _spoiled_inside(data, chance)
    return _spoiled(data, chance)


def _spoiled(data: bytes, chance: random.Random) -> bytes:
    way = chance.randrange(10)
    changed = bytearray(data)
    start = chance.randrange(len(data))
    if way == 0:
        return data[:start]
    if way == 1:  # a piece is missing
        del changed[start : start + chance.randrange(1, 200)]
    elif way == 2:  # a piece comes twice, elsewhere
        place = chance.randrange(len(data))
        changed[place:place] = changed[start : start + chance.randrange(1, 200)]
    elif way == 3:  # a sector of zeros
        changed[start : start + 64] = bytes(min(64, len(data) - start))
    elif way in (4, 5):  # a number or a word is another
        words = list((_NUMBER if way == 4 else _WORD).finditer(data))
        word = chance.choice(words) if words else None
        if word:
            other = chance.choice(_ODD_NUMBERS) if way == 4 else chance.choice(words).group()
            changed[word.start() : word.end()] = other
    else:
        for _ in range(chance.choice((1, 1, 3, 20))):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _spoiled_inside(data: bytes, chance: random.Random) -> bytes:
    """Spoil a member and pack it again, so that its checksum fits what a reader then has to cope with."""
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    filled = [name for name, content in members.items() if content]
    for _ in range(chance.choice((1, 1, 2))):
        name = chance.choice(filled)
        if chance.random() < 0.1:
            members.pop(name, None)
        else:
            members[name] = _spoiled(members.get(name) or b"x", chance)
    return packed(members, stored=("mimetype",))
