"""Open the compound file (OLE2) that holds an old Word document."""

import io
from dataclasses import dataclass

import olefile

# What olefile raises on directories and chains of sectors that lead nowhere.
DAMAGE = (OSError, ValueError, LookupError, TypeError, OverflowError, AttributeError)


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a compound file by their names, and the title that its properties give."""

    by_name: dict[str, bytes]
    title: str | None


def open_streams(data: bytes) -> Streams:
    """Return the streams at the top of a compound file.

    Raises:
        OSError: it is damaged; so are those of DAMAGE.
    """
    with olefile.OleFileIO(io.BytesIO(data)) as ole:
        names = [path[0] for path in ole.listdir(streams=True, storages=False) if len(path) == 1]
        metadata = ole.get_metadata()
        return Streams({name: ole.openstream(name).read() for name in names}, _decoded(metadata))


def _decoded(metadata: olefile.OleMetadata) -> str | None:
    title = metadata.title
    if not isinstance(title, bytes):
        return title or None
    page = (metadata.codepage or 1252) & 0xFFFF
    try:
        return title.decode("utf-8" if page == 65001 else f"cp{page}") or None
    except (LookupError, UnicodeDecodeError):
        return None
