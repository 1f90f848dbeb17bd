"""Convert packed weights once into a folder that loads in a fraction of a second.

A prepared folder appears under its name only when it is whole: it is written beside it and renamed. One process at
a time prepares a model, under a lock that the system lets go when the process dies, so whatever an unnamed folder
holds when the lock is taken was left by a process that was killed.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from rag_app.errors import ModelError
from rag_app.models.checksums import sha256_of

if TYPE_CHECKING:
    import torch

MANIFEST = "prepared.json"
LAYOUT = 1
"""Counts up when the conversion changes, so that folders prepared by an older version are made anew."""
WAIT_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Merge:
    """A change to a model's weights as they are prepared, such as a LoRA adapter that is added to them.

    ``sha256`` identifies the change; ``apply`` alters the float32 weights in place.
    """

    sha256: str
    apply: "Callable[[MutableMapping[str, torch.Tensor]], None]"


def prepared_name(name: str, sha256: str, merge: Merge | None = None) -> str:
    """Return the name of the folder for these weights: what is prepared from other weights never shares it."""
    return "-".join([name, sha256[:8], *([merge.sha256[:8]] if merge else [])])


def is_whole(folder: Path) -> bool:
    """Return whether a prepared folder holds exactly the files that were prepared."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return manifest["layout"] == LAYOUT and all(
            sha256_of(folder / name) == digest for name, digest in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ModelError):
        return False


def prepare(packed: Path, folder: Path, *, merge: Merge | None = None) -> None:
    """Make ``folder`` out of a GGUF file, unless it is there and whole by the time that the lock is held.

    Raises:
        ModelError: the file is no language model, the disk is full or not writable, or another process holds
            the lock for too long.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock", timeout=WAIT_SECONDS):
            if not is_whole(folder):
                _remove_leftovers(folder)
                _prepare_alone(packed, folder, merge)
    except Timeout as error:
        raise ModelError(
            f"Another process has been preparing {folder.name} for more than {WAIT_SECONDS / 60:.0f} minutes. "
            "Wait for it, or end it, and start again."
        ) from error
    except OSError as error:
        raise ModelError(
            f"{folder.name} cannot be prepared in {folder.parent}: {error.strerror or error}. "
            "Make room and check that the folder can be written, or set RAG_APP_HOME to another."
        ) from error


def _prepare_alone(packed: Path, folder: Path, merge: Merge | None) -> None:
    # Here, not above: it imports torch and transformers, which takes seconds and is needed once.
    from rag_app.models.dequantise import dequantise

    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        dequantise(packed, draft, adjust=merge.apply if merge else None)
        files = {file.name: sha256_of(file) for file in sorted(draft.iterdir())}
        (draft / MANIFEST).write_text(json.dumps({"layout": LAYOUT, "files": files}, indent=1), encoding="utf-8")
        draft.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left; nobody else writes here, for this process holds the lock."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
