"""The figures of a report are drawn, with much or little to show."""

from pathlib import Path
from typing import Any

import pytest

from rag_app.errors import RagError
from rag_app.evaluation.drawing import draw_bars, draw_reliability, draw_risk_coverage

CURVE: dict[str, Any] = {
    "answers": 3,
    "threshold": 0.5,
    "at_threshold": {"coverage": 0.5, "risk": 0.1},
    "bins": [{"confidence": 0.2, "right": 0.1, "n": 1}, {"confidence": 0.9, "right": 0.8, "n": 2}],
    "points": [{"threshold": 0.9, "coverage": 0.2, "risk": 0.0}, {"threshold": 0.2, "coverage": 0.8, "risk": 0.3}],
}
NOTHING: dict[str, Any] = CURVE | {"answers": 0, "at_threshold": None, "bins": [], "points": []}


@pytest.mark.parametrize("curve", [CURVE, NOTHING], ids=["much", "nothing"])
def test_every_figure_is_a_picture_and_the_same_for_the_same_numbers(tmp_path: Path, curve: dict[str, Any]) -> None:
    rows: list[Any] = [("a set", {"ours": (0.9, (0.8, 0.95)), "plain": (0.3, None)})] if curve is CURVE else []
    for name in ("first", "again"):
        draw_reliability(curve, tmp_path / f"reliability-{name}.png")
        draw_risk_coverage({"ours": curve, "plain": curve}, tmp_path / f"risk-{name}.png")
        draw_bars(rows, tmp_path / f"bars-{name}.png")
    for kind in ("reliability", "risk", "bars"):
        first = (tmp_path / f"{kind}-first.png").read_bytes()
        assert first.startswith(b"\x89PNG")
        assert first == (tmp_path / f"{kind}-again.png").read_bytes()


def test_other_numbers_give_another_picture(tmp_path: Path) -> None:
    draw_reliability(CURVE, tmp_path / "a.png")
    draw_reliability(NOTHING, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RagError, match=r"gone.+cannot be written"):
        draw_reliability(CURVE, tmp_path / "gone" / "a.png")
