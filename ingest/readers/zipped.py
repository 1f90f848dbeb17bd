"""Look into files that are zip archives inside: office documents, books and archives.

Nothing is unpacked to disk, and nothing at all before the sizes that the archive declares are known to be harmless;
zipfile never yields more of a member than was declared.
"""

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from rag_app.errors import ReadError

MOST_BYTES = 400 * 2**20
MOST_MEMBERS = 20_000
# No office document or book packs this well; a bomb does (deflate's own limit is 1032).
_HIGHEST_RATIO = 400
_RATIO_COUNTS_FROM = 64 * 2**20
# zipfile lets IndexError and struct.error out where a name or a field of its directory is cut short.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    IndexError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


class Zipped:
    """The members of a zip file, read one by one. Of members with the same name the last counts, as for zipfile.

    ``what`` names the kind of file in messages ("Word document"), ``remedy`` says what to do with a damaged one.
    """

    def __init__(self, data: bytes, name: str, *, what: str, remedy: str) -> None:
        self._name = name
        self._what = what
        self._remedy = remedy
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except DAMAGE as error:
            raise self._damaged(error) from error
        entries = self._archive.infolist()
        self._entries = {entry.filename: entry for entry in entries if not entry.filename.endswith("/")}
        self._check_sizes(entries)

    @property
    def members(self) -> tuple[zipfile.ZipInfo, ...]:
        """What is packed in the file, without folders, in the order of the archive."""
        return tuple(self._entries.values())

    def __contains__(self, member: str) -> bool:
        return member in self._entries

    def read(self, member: str) -> bytes:
        """Return the whole content of a member.

        Raises:
            ReadError: it is missing, encrypted or damaged.
        """
        entry = self._entries.get(member)
        if entry is None:
            raise self._damaged(f"it has no part {member}")
        if entry.flag_bits & 1:
            raise ReadError(f"{self._name} is password-protected. Remove the password, and ingest it again.")
        try:
            return self._archive.read(entry)
        except DAMAGE as error:
            raise self._damaged(error) from error

    def check(self) -> None:
        """Read every member once, for libraries that read the file themselves and trust what it declares.

        Raises:
            ReadError: a member is encrypted or damaged.
        """
        for member in self._entries:
            self.read(member)

    def _check_sizes(self, entries: list[zipfile.ZipInfo]) -> None:
        unpacked = sum(entry.file_size for entry in entries)
        packed = sum(entry.compress_size for entry in entries)
        if len(entries) > MOST_MEMBERS:
            raise self._refused(f"packs {len(entries):,} files, more than the {MOST_MEMBERS:,}")
        if unpacked > MOST_BYTES:
            raise self._refused(f"would unpack to {unpacked // 2**20} MB, more than the {MOST_BYTES // 2**20} MB")
        if unpacked > _RATIO_COUNTS_FROM and unpacked > _HIGHEST_RATIO * packed:
            raise self._refused(
                f"would unpack to {unpacked // max(1, packed)} times its size, more than {_HIGHEST_RATIO}"
            )

    def _refused(self, excess: str) -> ReadError:
        return ReadError(
            f"{self._name} {excess} that a {self._what} may have. "
            "Split it, or remove it if you do not know where it comes from."
        )

    def _damaged(self, cause: Exception | str) -> ReadError:
        return ReadError(f"{self._name} is damaged or no {self._what} ({cause}). {self._remedy}")


def leads_outside(member: str) -> bool:
    """Whether the name of a member points out of the folder that it would be unpacked to."""
    path = PurePosixPath(member.replace("\\", "/"))
    return not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]
