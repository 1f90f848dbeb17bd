"""Tell the compound files (OLE2) of old office programs, which are also the shell of locked new ones."""

OLE_MARK = b"\xd0\xcf\x11\xe0"

# As a name in the directory of the file: in UTF-16, and filled up with zeros.
_ENCRYPTED = "EncryptedPackage\0\0".encode("utf-16-le")


def is_locked(data: bytes) -> bool:
    """Whether this is an Office file of today under a password."""
    return data.startswith(OLE_MARK) and _ENCRYPTED in data
