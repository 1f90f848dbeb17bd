"""Files that are odd or hostile as a whole: bombs, nests, giants, false names and forbidden characters."""

import io
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from functools import cache

from tests.odd_files import mail, packed, png
from tests.odd_texts import WORDS


def nested_zip(depth: int) -> bytes:
    data = packed({"a.txt": b"the innermost"})
    for level in range(depth):
        data = packed({"level.txt": f"level {level}".encode(), "in.zip": data})
    return data


def nested_mail(depth: int) -> bytes:
    message: EmailMessage = mail()
    for _ in range(depth):
        message = mail(inside=message)
    return message.as_bytes()


@cache
def bomb() -> bytes:
    """Return 200 MB of zeros in 200 KB."""
    return packed({"zeros.txt": bytes(200 * 2**20)})


def overlapping_zip() -> bytes:
    """Return an archive whose directory names the same packed bytes many times."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f0.txt", bytes(2**20))
        entry = archive.infolist()[0]
        for number in range(1, 3000):
            twin = zipfile.ZipInfo(f"f{number}.txt")
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type", "flag_bits"):
                setattr(twin, field, getattr(entry, field))
            archive.filelist.append(twin)
    return out.getvalue()


def locked_zip() -> bytes:
    """Return an archive whose first member says that it is encrypted."""
    data = bytearray(packed({"secret.txt": b"hidden words", "open.txt": b"open words"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def laughs(root: str) -> bytes:
    """Return XML whose last entity stands for ten to the tenth power words."""
    entities = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 11))
    return f"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a0 'ha'>{entities}]><{root}>words &a10;</{root}>".encode()


def raw_pdf(pages: int, *, loop: bool = False) -> bytes:
    """Return a PDF with a line of text on each page; with ``loop``, its tree of pages contains itself."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for number in range(pages):
        content = f"BT /F 12 Tf 72 700 Td (This is what stands on page {number + 1}.) Tj ET".encode()
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(content), content))
        page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>"
        objects.append((page % len(objects)).encode())
        kids.append(f"{len(objects)} 0 R")
    kids += ["2 0 R"] * loop
    objects[1] = f"<</Type/Pages/Count {pages + loop}/Kids[{' '.join(kids)}]>>".encode()
    return _pdf_of(objects)


def endless_pdf(pages: int = 1) -> bytes:
    """Return a PDF of pages whose drawing calls a drawing that calls a drawing, ten times each, twenty deep."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</XObject<</D 4 0 R>>>>/Contents 24 0 R>>"
    tree = b"<</Type/Pages/Count %d/Kids[%b]>>" % (pages, b"3 0 R " * pages)
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", tree, page]
    for inner in range(5, 25):
        content = b"/D Do " * 10 if inner < 24 else b"0 0 9 9 re f"
        head = "<</Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</XObject<</D %d 0 R>>>>/Length %d>>"
        objects.append((head % (inner, len(content))).encode() + b"stream\n" + content + b"\nendstream")
    objects[23:] = [b"<</Length 5>>stream\n/D Do\nendstream"]
    return _pdf_of(objects)


def _pdf_of(objects: Sequence[bytes]) -> bytes:
    """Return a PDF of these objects, the first of which is its catalogue."""
    out = io.BytesIO()
    out.write(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % place for place in places)
    out.write(b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return out.getvalue()


HOSTILE_NAMES = ("../../outside.txt", "/absolute.txt", "C:\\windows.txt", "..\\up.txt")

# By the name of the file: its content, and what of it must be read.
READ: dict[str, tuple[Callable[[], bytes], str]] = {
    "nested.zip": (lambda: nested_zip(2), "level 1"),
    "very_nested.zip": (lambda: nested_zip(30), "level 29"),
    "locked.zip": (locked_zip, "open words"),
    "hostile.zip": (
        lambda: packed({name: b"no" for name in HOSTILE_NAMES} | {"x" * 3000: b"long", "a\x1b[31m": b"!"}),
        "long",
    ),
    "forwarded.eml": (lambda: nested_mail(40), "Up to ten days"),
    "parts.eml": (
        lambda: (
            b"Subject: s\nFrom: a\n"
            + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(300))
        ),
        "From: a",
    ),
    "long_field.eml": (lambda: b"Subject: " + b"=?utf-8?q?x?= " * 100_000 + b"\n\nbody", "body"),
    "laughs.xml": (lambda: laughs("list"), "words"),
    "laughs.html": (lambda: laughs("p"), "words"),
    "outside.xml": (lambda: b"<!DOCTYPE l [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><l>words &x;</l>", "words &x;"),
    "deep.xml": (lambda: b"<a>" * 100_000 + b"deep" + b"</a>" * 100_000, "deep"),
    "attributes.xml": (lambda: b"<r " + b" ".join(b"a%d='v'" % n for n in range(50_000)) + b">words</r>", "words"),
    "deep_line.jsonl": (lambda: b"[" * 50_000 + b'\n{"a": "words"}', "a: words"),
    "number.json": (lambda: b'{"a": ' + b"9" * 100_000 + b"}", "a: 999"),
    "cell.csv": (lambda: b"a,b\nwords," + b"x" * 5_000_000, "a: words"),
    "quote.csv": (lambda: b'a,b,c\n1,"2,3\n' + b"4,5,six\n" * 1000, "c: six"),
    "line.txt": (lambda: b"words " * 3_500_000, "words"),
    "invisible.txt": (lambda: "wo\u200brd\u2060s \u202eand\u202c more".encode(), "words and more"),
    "hebrew.txt": (lambda: "ימי חופשה \u200fשל עובד\u200e 10".encode(), "ימי חופשה"),
    "persian.txt": (lambda: "می\u200cخواهم".encode(), "می\u200cخواهم"),
    "zeros.log": (lambda: b"first line\n" * 20 + bytes(4000) + b"last line\n" * 20, "last line"),
    "accents.txt": (lambda: ("words a" + "\u0301\u0316" * 300_000).encode(), "words"),
    "line_ends.txt": (lambda: b"one\r\ntwo\rthree\nfour", "one\ntwo\nthree\nfour"),
    "pages.pdf": (lambda: raw_pdf(1_500), "page 1500."),
    "loop.pdf": (lambda: raw_pdf(1, loop=True), "what stands on page 1"),
    "no_suffix": (mail().as_bytes, "Größe of the leave"),
    "really_pdf.txt": (lambda: raw_pdf(1), "what stands on page 1"),
    "really_page.doc": (lambda: b"<html><body><p>words <b>here</b></p></body></html>", "words here"),
    "really_table.xls": (lambda: b"Name\tDays\tNote\nNorth\t10\tx\n", "Name: North; Days: 10"),
}

# By the name of the file: its content, and what the reason says.
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb.zip": (bomb, "would unpack to"),
    "bomb.docx": (bomb, "would unpack to"),
    "bomb.xlsx": (bomb, "would unpack to"),
    "bomb.epub": (bomb, "would unpack to"),
    "overlapping.zip": (overlapping_zip, "would unpack to|overlap"),
    "members.zip": (lambda: packed({f"{n}": b"" for n in range(21_000)}), "packs 21,000 files"),
    "empty.zip": (lambda: packed({}), "empty archive"),
    "deep.json": (lambda: b"[" * 500_000, "too deeply nested"),
    "deep.html": (lambda: b"<div>" * 50_000 + b"deep", "too deeply"),
    "deep.rst": (lambda: b"".join(b"   " * n + b".. note::\n\n" for n in range(400)), "too deeply nested"),
    "zeros.txt": (lambda: bytes(100_000), "does not hold text"),
    "zeros.pdf": (lambda: bytes(100_000), "no PDF|not a PDF"),
    "picture.csv": (png, "no text|which is not read|picture"),
    "program.txt": (lambda: b"\x7fELF" + bytes(range(256)) * 4, r"a program \(ELF\)"),
    "packed.md": (lambda: b"\x1f\x8b\x08" + bytes(range(256)) * 4, "a gzip archive"),
    "nothing.eml": (lambda: WORDS.encode(), "no mail"),
    "nothing.mbox": (lambda: WORDS.encode(), "no mailbox"),
    "nothing.ipynb": (lambda: b"[1, 2]", "no notebook"),
    "nothing.srt": (lambda: WORDS.encode(), "no subtitles"),
}
