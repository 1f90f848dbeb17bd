"""Adapters are averaged by what they add to the weights, whatever their factors are."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from rag_app.errors import DataError
from rag_app.training.averaging import average_adapters

UPDATE = "layer.parametrizations.weight.0"


def make_adapter(file: Path, *, seed: int, rank: int, width: int = 12) -> Path:
    torch.manual_seed(seed)
    up, down = torch.randn(8, rank), torch.randn(rank, width)
    save_file({f"{UPDATE}.up": up, f"{UPDATE}.down": down, "head.bias": torch.randn(3)}, file)
    return file


def update_of(file: Path) -> Tensor:
    values = load_file(file)
    return values[f"{UPDATE}.up"].float() @ values[f"{UPDATE}.down"].float()


def test_the_mean_of_adapters_adds_the_mean_of_what_they_add(tmp_path: Path) -> None:
    one = make_adapter(tmp_path / "one.safetensors", seed=1, rank=2)
    two = make_adapter(tmp_path / "two.safetensors", seed=2, rank=3)
    lost = average_adapters([one, two], tmp_path / "out", rank=5)
    mean = tmp_path / "out" / "adapter.safetensors"
    assert lost == pytest.approx(0, abs=1e-9)
    torch.testing.assert_close(update_of(mean), (update_of(one) + update_of(two)) / 2, atol=0.01, rtol=0.01)
    biases = [load_file(file)["head.bias"].float() for file in (one, two, mean)]
    torch.testing.assert_close(biases[2], (biases[0] + biases[1]) / 2, atol=0.01, rtol=0.01)
    assert load_file(mean)[f"{UPDATE}.down"].shape[0] == 5


def test_a_rank_that_is_too_small_keeps_the_largest_part_and_tells_what_is_lost(tmp_path: Path) -> None:
    one = make_adapter(tmp_path / "one.safetensors", seed=1, rank=4)
    lost = average_adapters([one], tmp_path / "out", rank=1)
    left = update_of(one) - update_of(tmp_path / "out" / "adapter.safetensors")
    assert 0.1 < lost < 0.75
    assert float(left.square().sum() / update_of(one).square().sum()) == pytest.approx(lost, rel=0.01)


def test_adapters_of_different_bases_are_not_averaged(tmp_path: Path) -> None:
    one = make_adapter(tmp_path / "one.safetensors", seed=1, rank=2)
    wide = make_adapter(tmp_path / "wide.safetensors", seed=1, rank=2, width=13)
    with pytest.raises(DataError, match="wide.safetensors is of another architecture"):
        average_adapters([one, wide], tmp_path / "out", rank=2)
