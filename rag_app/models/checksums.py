"""Which weights a folder holds, by their sha256."""

import hashlib
import json
from pathlib import Path

from rag_app.errors import ModelDamaged, ModelError


def sha256_of(file: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal.

    Raises:
        ModelError: the file cannot be read.
    """
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}. Check its permissions and the disk.") from error


def check_sha256(file: Path, expected: str, *, remedy: str) -> None:
    """Make sure that a file holds the very bytes that the catalogue names.

    The file is hashed every time: it takes 0.1 to 0.3 s for 90 MB, no trusted note of an earlier check can then
    be wrong, and it reads the pages that loading needs next anyway.

    Raises:
        ModelDamaged: the bytes are others.
    """
    actual = sha256_of(file)
    if actual != expected:
        raise ModelDamaged(
            f"{file} is damaged or another version: its sha256 is {actual[:12]}…, expected {expected[:12]}…. {remedy}"
        )


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that a model folder is loaded from; of every module, where it lists modules.

    Raises:
        ModelError: weights are there only in a format that can run code, or not at all.
        ModelDamaged: a part of the weights is missing.
    """
    files = [file for part in _module_folders(folder) for file in _weight_files_of(part)]
    if not files:
        raise ModelError(
            f"{folder} holds no model.safetensors. Only safetensors are loaded, because pickled weights can run "
            "code: convert the model with save_pretrained(…), or choose one that is published as safetensors."
        )
    return files


def _module_folders(folder: Path) -> list[Path]:
    modules = folder / "modules.json"
    if not modules.is_file():
        return [folder]
    try:
        paths = [str(module["path"]) for module in json.loads(modules.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelDamaged(f"{modules} is no list of modules: {error}. Download the model again.") from error
    return list(dict.fromkeys(folder / path for path in paths))


def _weight_files_of(folder: Path) -> list[Path]:
    index = folder / "model.safetensors.index.json"
    if (single := folder / "model.safetensors").is_file():
        return [single]
    if not index.is_file():
        if pickles := [*folder.glob("pytorch_model*.bin"), *folder.glob("*.pt")]:
            raise ModelError(
                f"{pickles[0]} is pickled, and pickled weights can run code, so they are not loaded. Choose a model "
                "that is published as safetensors, or convert it with save_pretrained(…)."
            )
        return []
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelDamaged(f"{index} is no index of weights: {error}. Download the model again.") from error
    files = [folder / Path(name).name for name in names]
    if missing := [file.name for file in files if not file.is_file()]:
        raise ModelDamaged(f"{folder} is incomplete: {', '.join(missing)} is missing. Download the model again.")
    return files


def fingerprint(folder: Path, *, notes: Path) -> str:
    """Return one sha256 for all weights in a folder that the catalogue does not name.

    It identifies the weights, it does not check them, so a file whose size and time are those in ``notes`` (JSON)
    is not read again: such models may be many gigabytes.
    """
    known = _read_notes(notes)
    found: dict[str, list[str | int]] = {}
    for file in weight_files(folder):
        stat = file.resolve().stat()
        note = known.get(str(file))
        if not note or note[:2] != [stat.st_size, stat.st_mtime_ns]:
            note = [stat.st_size, stat.st_mtime_ns, sha256_of(file)]
        found[str(file)] = note
    if any(known.get(file) != note for file, note in found.items()):
        _write_notes(notes, known | found)
    digests = [str(note[2]) for note in found.values()]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _read_notes(notes: Path) -> dict[str, list[str | int]]:
    try:
        content = json.loads(notes.read_text(encoding="utf-8"))
        return {str(file): [int(size), int(time), str(digest)] for file, (size, time, digest) in content.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}  # They only save time.


def _write_notes(notes: Path, content: dict[str, list[str | int]]) -> None:
    try:
        notes.parent.mkdir(parents=True, exist_ok=True)
        draft = notes.with_suffix(f".{hashlib.sha256(str(content).encode()).hexdigest()[:8]}.tmp")
        draft.write_text(json.dumps(content, indent=1), encoding="utf-8")
        draft.replace(notes)
    except OSError:
        return  # They only save time: a read-only home is no reason to fail.
