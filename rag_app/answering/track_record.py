"""How often shown answers were wrong at each threshold, when it was measured.

The figures ship beside the generator's weights; ``rag-app eval threshold --out FILE`` writes them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rag_app.errors import ModelDamaged

FEW_ANSWERS = 20
"""Of fewer answers no share is told."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a threshold gave: answers shown, those of them wrong, and how many answerable questions were answered."""

    threshold: float
    shown: int
    wrong: int
    answerable: int
    answered: int

    @property
    def one_in(self) -> int | None:
        """N where at most one in N shown answers was wrong; 0 where none was, None where too few were shown to say."""
        if self.shown < FEW_ANSWERS:
            return None
        return self.shown // self.wrong if self.wrong else 0


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """A measurement: on which questions, with which models, and what came of every threshold, the lowest first."""

    dataset: str
    questions: int
    models: Mapping[str, str]
    outcomes: tuple[Outcome, ...]

    def at(self, threshold: float) -> Outcome:
        """Return what the nearest threshold that was measured gave."""
        return min(self.outcomes, key=lambda outcome: (abs(outcome.threshold - threshold), -outcome.threshold))


def read_track_record(file: Path) -> TrackRecord | None:
    """Return the measurement in a file; None where there is no such file.

    Raises:
        ModelDamaged: the file is not what ``rag-app eval threshold`` writes.
    """
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        outcomes = tuple(sorted((Outcome(**point) for point in found["points"]), key=lambda o: o.threshold))
        if not outcomes:
            raise ValueError("no thresholds")  # noqa: TRY301 - one remedy for all that can be wrong with the file
        return TrackRecord(str(found["dataset"]), int(found["questions"]), dict(found["models"]), outcomes)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ModelDamaged(
            f"{file} is damaged ({error}). Make it again with rag-app eval threshold --out, or remove it."
        ) from error
