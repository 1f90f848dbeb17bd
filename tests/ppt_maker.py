"""Make presentations in the old binary format (.ppt), and the compound files (OLE2) that hold them."""

import struct
from collections.abc import Mapping, Sequence

_SECTOR = 512
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
# Shorter streams would be kept in sectors of another size.
_LEAST = 4096


def compound(streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file with these streams, filled up with zeros where they are short."""
    chains: list[int] = [_TABLE, _END]
    content = b""
    entries = _entry("Root Entry", kind=5, child=1, start=_END, size=0)
    for number, (name, data) in enumerate(streams.items(), start=1):
        padded = data.ljust(_LEAST, b"\0")
        sectors = -(-len(padded) // _SECTOR)
        following = number + 1 if number < len(streams) else _FREE
        entries += _entry(name, kind=2, right=following, start=len(chains), size=len(padded))
        chains += [*range(len(chains) + 1, len(chains) + sectors), _END]
        content += padded.ljust(sectors * _SECTOR, b"\0")
    assert len(chains) <= _SECTOR // 4
    assert len(entries) <= _SECTOR
    table = struct.pack(f"<{len(chains)}I", *chains).ljust(_SECTOR, b"\xff")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, 1, 1, 0, _LEAST, _END, 0, _END, 0) + struct.pack("<109I", 0, *[_FREE] * 108)
    return head + table + entries.ljust(_SECTOR, b"\0") + content


def _entry(name: str, *, kind: int, start: int, size: int, child: int = _FREE, right: int = _FREE) -> bytes:
    words = name.encode("utf-16-le") + b"\0\0"
    head = words.ljust(64, b"\0") + struct.pack("<HBB3I", len(words), kind, 1, _FREE, right, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)


def record(kind: int, content: bytes, *, instance: int = 0, version: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4 | version, kind, len(content)) + content


def container(kind: int, *parts: bytes, instance: int = 0) -> bytes:
    return record(kind, b"".join(parts), instance=instance, version=0xF)


def text(kind: int, words: str) -> bytes:
    """Return a text of a kind (0 is a title, 1 a body, 2 notes, 4 others), in bytes where they suffice."""
    head = record(0x0F9F, struct.pack("<I", kind))
    try:
        return head + record(0x0FA8, words.encode("latin-1"))
    except UnicodeEncodeError:
        return head + record(0x0FA0, words.encode("utf-16-le"))


def drawing(*boxes: bytes) -> bytes:
    """Return a drawing with a shape for each box, in a group."""
    shapes = (container(0xF004, container(0xF00D, box)) for box in boxes)
    return container(0x040C, container(0xF002, container(0xF003, *shapes)))


def reference(number: int) -> bytes:
    return record(0x0F9E, struct.pack("<I", number))


def slide(*boxes: bytes, notes: int = 0, hidden: bool = False) -> bytes:
    facts = record(0x03EF, bytes(16) + struct.pack("<IHH", notes, 0, 0), version=2)
    shown = record(0x03F9, bytes(10) + struct.pack("<HI", 4 * hidden, 0))
    return container(0x03EE, facts, shown, drawing(*boxes))


def notes_page(*boxes: bytes) -> bytes:
    return container(0x03F0, drawing(*boxes))


def listed(number: int, identifier: int, *outline: bytes) -> bytes:
    """Return an entry of a list of slides or notes pages: where it is, its id, and the texts of its outline."""
    return record(0x03F3, struct.pack("<5I", number, 0, 0, identifier, 0)) + b"".join(outline)


def ppt(document: Sequence[bytes], parts: Sequence[Mapping[int, bytes]], *, token: int = 0xE391C05F) -> bytes:
    """Return a presentation that was saved once for each of ``parts``: by their numbers, what was changed then."""
    stream, edit = b"", 0
    for number, changed in enumerate(parts):
        places = {}
        first = {} if number else {1: container(0x03E8, *document)}
        for part, content in (first | dict(changed)).items():
            places[part] = len(stream)
            stream += content
        directory = len(stream)
        stream += record(0x1772, b"".join(struct.pack("<II", 1 << 20 | part, at) for part, at in places.items()))
        before, edit = edit, len(stream)
        stream += record(0x0FF5, struct.pack("<II5I", 0, 0, before, directory, 1, 9, 0))
    user = record(0x0FF6, struct.pack("<III", 20, token, edit) + bytes(8))
    return compound({"Current User": user, "PowerPoint Document": stream})


def old_deck() -> bytes:
    """Return a presentation of two slides, the first of which was changed when it was saved again."""
    document = (
        container(
            0x0FF0,
            listed(2, 256, text(0, "Lamp rules"), text(1, "The lamp is lit at dusk.\rIt burns \u2013 always.")),
            listed(3, 257, text(0, "Closing")),
        ),
        container(0x0FF0, listed(4, 700), instance=2),
    )
    first = slide(reference(0), reference(1), text(4, "Drawn beside: Größe 10"), text(4, "*"), notes=700)
    later = slide(reference(0), reference(1), text(4, "Drawn anew beside: Größe 12"), text(4, "*"), notes=700)
    last = slide(text(1, "The gate closes at nine."), hidden=True)
    spoken = notes_page(text(2, "Say this slowly."), text(4, "*"))
    return ppt(document, [{2: first, 3: last, 4: spoken}, {2: later}])
