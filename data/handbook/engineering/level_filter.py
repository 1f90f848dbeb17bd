"""How the Kestrel logger cleans radar readings before it sends them.

The logger itself runs a translation of this file into C. When you change a constant here, change it there
as well, and tell customer support: customers see the effect in their curves.
"""

from statistics import median

# Fifteen measurements, one a minute, make one reading.
WINDOW = 15

# A measurement that differs by more than this many centimetres from the median is dropped: a boat, a branch, a heron.
OUTLIER_CM = 35

# With fewer good measurements than this in the window, no reading is sent and the station reports quality D.
MINIMUM_GOOD = 9

# Below this signal strength, in decibels, a measurement is not used.
MINIMUM_SIGNAL_DB = 12


def clean(measurements: list[tuple[float, float]]) -> float | None:
    """Return the stage in centimetres from pairs of (stage in centimetres, signal in decibels).

    None means that the reading is missing, which is better than wrong.
    """
    strong = [stage for stage, signal in measurements[-WINDOW:] if signal >= MINIMUM_SIGNAL_DB]
    if len(strong) < MINIMUM_GOOD:
        return None
    middle = median(strong)
    good = [stage for stage in strong if abs(stage - middle) <= OUTLIER_CM]
    return median(good) if len(good) >= MINIMUM_GOOD else None


def is_rising_fast(stages: list[float], *, limit_cm: float = 10.0) -> bool:
    """Return whether the stage rose by more than limit_cm within the window, so that the logger sends every minute."""
    return len(stages) >= 2 and stages[-1] - min(stages[-WINDOW:]) > limit_cm
