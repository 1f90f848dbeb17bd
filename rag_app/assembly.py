"""Put the parts together: from settings to a library, models and an assistant.

Everything above (the command line, the pages) begins here, and nothing below reads settings.
"""

import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.confidence import Belief
from rag_app.answering.track_record import TrackRecord, read_track_record
from rag_app.errors import ModelDamaged
from rag_app.library import Library
from rag_app.models.catalogue import EVIDENCE_ADAPTER, GENERATOR_ADAPTER, is_adapted, resolve_model
from rag_app.models.devices import choose_device, choose_dtype
from rag_app.models.embedding import Embedder
from rag_app.models.evidence import EvidenceModel, load_evidence
from rag_app.models.generation import Generator, load_generator
from rag_app.opening import ingest_options as ingest_options
from rag_app.opening import open_embedder as open_embedder
from rag_app.opening import open_library as open_library
from rag_app.opening import use_threads
from rag_app.records import VerifyReport
from rag_app.settings import Settings

log = logging.getLogger(__name__)
EVIDENCE_BASE = "all-MiniLM-L6-v2"
BELIEF = "confidence.json"
TRACK_RECORD = "thresholds.json"


def open_evidence(settings: Settings) -> EvidenceModel:
    """Load the evidence model that ships with rag_app, or the one that the settings name."""
    base = resolve_model(EVIDENCE_BASE, kind="embedder", home=settings.home)
    device = choose_device(settings.device)
    dtype = choose_dtype(device)
    if not settings.evidence:
        return load_evidence(base.folder, EVIDENCE_ADAPTER, device=device, dtype=dtype)
    remedy = "Set 'evidence' to a folder that rag-app train evidence wrote, or leave it empty."
    return load_evidence(base.folder, Path(settings.evidence).expanduser(), device=device, dtype=dtype, remedy=remedy)


def open_generator(settings: Settings) -> Generator:
    """Load the language model that the settings name."""
    use_threads(settings)
    return load_generator(
        resolve_model(settings.generator, kind="generator", home=settings.home), device=settings.device
    )


def open_belief(settings: Settings) -> Belief | None:
    """Return how far to believe the generator's reading; None for a model whose reading was never measured.

    A model in a folder of its own may have a confidence.json in it.
    """
    file, remedy = GENERATOR_ADAPTER / BELIEF, "Install rag_app again."
    if not is_adapted(settings.generator):
        file = Path(settings.generator).expanduser() / BELIEF
        remedy = "Make it again with rag-app train confidence, or remove it."
        if not file.is_file():
            return None
    try:
        return Belief(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ModelDamaged(f"{file} is missing or damaged ({error}). {remedy}") from error


def open_track_record(settings: Settings) -> TrackRecord | None:
    """Return how often the answers of the chosen generator were wrong; None where that was never measured."""
    folder = GENERATOR_ADAPTER if is_adapted(settings.generator) else Path(settings.generator).expanduser()
    return read_track_record(folder / TRACK_RECORD)


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that an open rag_app is made of."""

    settings: Settings
    embedder: Embedder
    library: Library
    evidence: EvidenceModel
    generator: Generator
    belief: Belief | None
    assistant: Assistant

    @classmethod
    def open(cls, settings: Settings) -> "Application":
        """Load the models and open the library.

        Raises:
            ModelError: a model is missing or damaged.
            LibraryError: the library cannot be opened.
        """
        embedder = open_embedder(settings)
        library = open_library(settings, embedder)
        evidence, generator = open_evidence(settings), open_generator(settings)
        belief = open_belief(settings)
        assistant = Assistant(
            library, embedder, evidence=evidence, generator=generator, belief=belief, limits=limits_of(settings)
        )
        return cls(settings, embedder, library, evidence, generator, belief, assistant)

    def answering_by(self, settings: Settings) -> "Application":
        """Return the same models and library under settings that differ in what an answer may take and show."""
        assistant = Assistant(
            self.library,
            self.embedder,
            evidence=self.evidence,
            generator=self.generator,
            belief=self.belief,
            limits=limits_of(settings),
        )
        return replace(self, settings=settings, assistant=assistant)

    def close(self) -> None:
        """Write the index to the disk and let the database go."""
        self.library.close()


def limits_of(settings: Settings) -> Limits:
    """Return the assistant's limits, by the settings."""
    return Limits(
        passages=settings.passages,
        threshold=settings.threshold,
        answer_tokens=settings.max_answer_tokens,
        question_characters=settings.max_question_characters,
        show_unsupported=settings.show_unsupported,
    )


def rebuild_library(settings: Settings, embedder: Embedder) -> VerifyReport:
    """Make the indexes anew from the database, re-embedding all text if another embedder made its vectors."""
    made_by = Library.embedder_of(settings.url)
    library = open_library(settings)
    try:
        if made_by is None or made_by[0] == embedder.name:
            library.rebuild()
        else:
            library.rebuild(embedder.embed_passages, embedder=embedder.name, dimensions=embedder.dimensions)
        return library.verify()
    finally:
        library.close()
