"""Make office files for tests, and damage them."""

import io
import zipfile
from collections.abc import Callable, Mapping

import pytest

# One white point, as the smallest of GIFs has it.
PICTURE = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """Return a zip file with these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return out.getvalue()


def with_members(data: bytes, changes: Mapping[str, str | bytes | None]) -> bytes:
    """Return a zip file with some members replaced, added or, where None is given, taken out."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        members: dict[str, str | bytes] = {name: package.read(name) for name in package.namelist()}
    for name, content in changes.items():
        members.pop(name, None)
        if content is not None:
            members[name] = content
    return zipped(members)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _without_its_end(data: bytes) -> bytes:
    return data[:-30]


def _with_a_changed_member(data: bytes) -> bytes:
    """Change a byte in the middle of the largest member, so that its checksum is wrong."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        entry = max(package.infolist(), key=lambda one: one.compress_size)
    changed = bytearray(data)
    changed[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0xFF
    return bytes(changed)


Damage = Callable[[bytes], bytes]
DAMAGED_PACKAGES = [
    pytest.param(damage, id=damage.__name__.strip("_")) for damage in (_cut, _without_its_end, _with_a_changed_member)
]
