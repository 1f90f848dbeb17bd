"""Which folders of the machine that serves the page may be ingested and watched from it.

Whoever can name a folder here can read it in answers. So folders are offered only to who sits at this machine, unless
the setting ``server_folders`` says otherwise.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from rag_app.errors import PageError
from rag_app.settings import Settings

_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


def are_offered(settings: Settings) -> bool:
    """Say whether folders of this machine may be chosen on this page."""
    if settings.server_folders == "local":
        return is_seen_here()
    return settings.server_folders != "never"


def is_seen_here() -> bool:
    """Say whether the page that is being drawn is seen on the machine that serves it."""
    return is_local(str(st.get_option("server.address") or ""), dict(st.context.headers))


def is_local(address: str, headers: Mapping[str, str]) -> bool:
    """Say whether a page served at an address is seen on this very machine.

    A proxy in front of the page, or a foreign name that leads here, gives itself away by what it asks for.
    """
    asked = {name.casefold(): value for name, value in headers.items()}
    if any(name.casefold() in asked for name in _FORWARDED):
        return False
    return _is_loopback(address) and _is_loopback(urlsplit(f"//{asked.get('host', '')}").hostname or "")


def why_not(settings: Settings) -> str:
    """Return in words why no folders are offered, and how they can be."""
    if settings.server_folders == "never":
        return "The setting server_folders is never: folders of the server cannot be added from the page."
    return (
        "This page can be reached by other machines, so folders of the server are not offered: whoever names one could "
        "read all that is in it. To allow some, set server_folders to their paths; or ingest them from a terminal: "
        "rag-app ingest path/to/folder"
    )


def checked_server_folder(typed: str, settings: Settings) -> Path:
    """Return the real path of a folder that was typed.

    Raises:
        PageError: it is not a whole path, or not one that may be ingested from the page.
        FolderError: it does not exist, is no folder or cannot be listed.
    """
    from ingest.discovery import checked_folder

    real = _real_path(typed, settings)
    home = settings.home.resolve()
    if real.is_relative_to(home):
        raise PageError(f"{typed.strip()} belongs to rag_app itself ({home}). Choose a folder of your own.")
    _check_allowed(real, settings)
    return checked_folder(real)


def checked_to_be_read(typed: str, settings: Settings) -> Path:
    """Return the real path of a folder that was typed, from which the page alone shows a file; rag_app's own, too.

    Raises:
        PageError: it is not a whole path, or not one that the page may read.
    """
    real = _real_path(typed, settings)
    if not real.is_relative_to(settings.home.resolve()):
        _check_allowed(real, settings)
    return real


def _real_path(typed: str, settings: Settings) -> Path:
    if settings.server_folders == "never":
        raise PageError(why_not(settings))
    if not typed.strip():
        raise PageError("Type the path of a folder first, such as /home/me/documents.")
    try:
        folder = Path(typed.strip()).expanduser()
        if not folder.is_absolute():
            raise PageError(f"{typed} is not a whole path. Begin it with {Path.home().anchor} or with ~.")
        return folder.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise PageError(f"{typed} is not a path that can be followed ({error}). Check its spelling.") from error


def _check_allowed(folder: Path, settings: Settings) -> None:
    roots = allowed_roots(settings)
    if roots and not any(folder.is_relative_to(root) for root in roots):
        raise PageError(
            f"{folder} is not allowed here. Choose a folder in {', '.join(map(str, roots))}, or have it added to the "
            "setting server_folders."
        )


def allowed_roots(settings: Settings) -> list[Path]:
    """Return the folders below which one may be chosen; empty where any may be."""
    if settings.server_folders in ("local", "never"):
        return []
    return [Path(path).expanduser().resolve() for path in settings.server_folders.split(os.pathsep)]


def _is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
