"""Change single settings in the ``rag_app.toml`` of a home folder, leaving its other lines and comments as they are."""

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from rag_app.errors import SettingsError
from rag_app.settings import FILE, Settings, check_ranges

_ONE_AT_A_TIME = threading.Lock()
"""Two readers may move two sliders at once."""


def change_settings(home: Path, changes: Mapping[str, Any]) -> None:
    """Write these settings into the file of a home folder; None removes one, so that its default holds again.

    The file is replaced whole or not at all.

    Raises:
        SettingsError: a value is out of its range, or the file is not TOML or cannot be written.
    """
    check_ranges(replace(Settings(), **{name: value for name, value in changes.items() if value is not None}))
    with _ONE_AT_A_TIME:
        file = (home / FILE).resolve()
        try:
            written = tomlkit.parse(file.read_bytes().decode()) if file.exists() else tomlkit.document()
            for name, value in changes.items():
                if value is not None:
                    written[name] = value
                elif name in written:
                    del written[name]
            _replace(file, tomlkit.dumps(written))
        except (TOMLKitError, UnicodeDecodeError) as error:
            raise SettingsError(f"{file} cannot be read as TOML: {error}. Correct or remove it.") from error
        except OSError as error:
            raise SettingsError(
                f"{file} cannot be written: {error.strerror or error}. Give yourself the right to write there, or set "
                "the value in the environment."
            ) from error


def _replace(file: Path, text: str) -> None:
    """Write beside the file and then put the new one in its place, with the rights of the old one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        if file.exists():
            shutil.copymode(file, draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
