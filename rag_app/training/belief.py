"""Fit how far to believe the generator's reading beside the evidence model, from answers that were judged."""

from collections.abc import Mapping, Sequence

from rag_app.answering.confidence import Belief
from rag_app.errors import DataError
from rag_app.training.calibration import Scored, fit_logistic

LEAST_CASES = 20


def fit_belief(judged: Sequence[tuple[Mapping[str, float], bool]]) -> Belief:
    """Fit a logistic regression from an answer's signals to whether it was right.

    Args:
        judged: the ``signals`` of answers given without a threshold, and whether each was right.

    Raises:
        DataError: there are too few answers, or all were right or all wrong.
    """
    cases = [Scored(Belief.features(**signals), right) for signals, right in judged if "silence" in signals]
    fitted = fit_logistic(cases) if len(cases) >= LEAST_CASES else None
    if fitted is None:
        raise DataError(
            f"{len(cases)} answers that a generator read, all alike, tell nothing of confidence. Give records of at "
            f"least {LEAST_CASES} questions, some answered rightly and some wrongly."
        )
    return Belief(*fitted)
