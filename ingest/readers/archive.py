"""Read zip archives: the text of each member, in a section under its path in the archive."""

import zipfile
from pathlib import PurePosixPath

from ingest.readers.kinds import sniff
from ingest.readers.nesting import Nesting
from ingest.readers.sections import TextBuilder
from ingest.readers.text import seems_binary
from ingest.readers.zipped import Zipped, leads_outside
from rag_app.errors import ReadError
from rag_app.records import ExtractedText

_REMEDY = "Pack it again, or unpack it and ingest its folder."
_SYSTEM_FILES = {"Thumbs.db", "desktop.ini", ".DS_Store"}


def read_zip(data: bytes, name: str, nesting: Nesting) -> ExtractedText:
    """Read an archive's members in their order; nothing is unpacked to disk. What cannot be read becomes a note.

    Raises:
        ReadError: it is damaged, a bomb, or holds nothing that can be read.
    """
    archive = Zipped(data, name, what="zip archive", remedy=_REMEDY)
    builder = TextBuilder()
    unread: list[str] = []
    for member in archive.members:
        path = PurePosixPath(member.filename)
        if member.file_size == 0 or "__MACOSX" in path.parts or path.name in _SYSTEM_FILES:
            continue
        reason = _add_member(builder, archive, member, nesting)
        if reason:
            unread.append(reason)
            builder.note(reason)
    if builder.empty:
        raise ReadError(_nothing_read(name, unread, packed=len(archive.members)))
    return builder.build(title=PurePosixPath(name).stem)


def _add_member(builder: TextBuilder, archive: Zipped, member: zipfile.ZipInfo, nesting: Nesting) -> str | None:
    """Add a member's text; return why it was left out, unless a note tells already."""
    path = member.filename
    if leads_outside(path):
        return f"left out: {path}, whose path leads out of the archive"
    if member.flag_bits & 1:
        return f"left out: {path} is encrypted with a password"
    try:
        content = archive.read(path)
    except ReadError as error:
        return f"left out: {path}: {error}"
    kind = sniff(content)
    if kind is None and seems_binary(content):
        return f"left out: {path} is binary data, not text"
    nesting.add(builder, content, path, level=1)
    return None


def _nothing_read(name: str, unread: list[str], *, packed: int) -> str:
    if not packed:
        return f"{name} is an empty archive. Remove it or list it in .ragignore."
    cause = f" ({unread[0]})" if unread else ""
    return f"{name} packs {packed} files, none of which could be read{cause}. Unpack it and ingest its folder."
