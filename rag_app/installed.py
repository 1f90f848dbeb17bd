"""Which models are in use, where they came from, and what they take."""

from dataclasses import dataclass
from pathlib import Path

from rag_app.assembly import EVIDENCE_BASE
from rag_app.errors import ModelError
from rag_app.models.catalogue import EVIDENCE_ADAPTER, ModelSource, resolve_model
from rag_app.models.checksums import sha256_of
from rag_app.settings import Settings


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in use: ``duty`` is what it does here, ``size`` counts the bytes of its weights on the disk."""

    duty: str
    name: str
    licence: str
    origin: str
    sha256: str
    folder: Path
    size: int
    adapter: str = ""
    """The sha256 of the adapter of ours that was merged into it, or stands beside it."""


def models_in_use(settings: Settings) -> list[InstalledModel]:
    """Return the models that the settings name; one that cannot be found is left out."""
    wanted = (
        ("finds passages by meaning", settings.embedder, "embedder"),
        ("reads the passages and writes", settings.generator, "generator"),
    )
    found = []
    for duty, name, kind in wanted:
        try:
            source = resolve_model(name, kind=kind, home=settings.home)  # type: ignore[arg-type]
        except ModelError:
            continue
        found.append(_described(duty, source))
    return [*found[:1], *_evidence(settings), *found[1:]]


def _described(duty: str, source: ModelSource) -> InstalledModel:
    return InstalledModel(
        duty,
        source.name,
        source.licence,
        source.origin,
        source.sha256,
        source.folder,
        _size(source.folder),
        source.adapter or "",
    )


def _evidence(settings: Settings) -> list[InstalledModel]:
    folder = Path(settings.evidence).expanduser() if settings.evidence else EVIDENCE_ADAPTER
    weights = folder / "adapter.safetensors"
    if not weights.is_file():
        return []
    return [
        InstalledModel(
            duty="judges whether a passage answers, and whether a sentence is supported",
            name=f"an adapter on {EVIDENCE_BASE}",
            licence="see its folder" if settings.evidence else "Apache-2.0",
            origin="a folder of yours" if settings.evidence else "ships with rag_app",
            sha256=sha256_of(weights),
            folder=folder,
            size=weights.stat().st_size,
        )
    ]


def _size(folder: Path) -> int:
    """Return the bytes of the weights in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.suffix in {".safetensors", ".gguf", ".bin"})
