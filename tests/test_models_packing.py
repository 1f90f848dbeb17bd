"""Packed weights compute what the plain ones do."""

from typing import Any

import pytest
import torch
from torch import nn

from rag_app.models.devices import computes_bfloat16
from rag_app.models.packing import PackedLinear, pack_linears


def model_of(dtype: torch.dtype) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(64, 48), nn.Sequential(nn.ReLU(), nn.Linear(48, 32, bias=False))).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 5])
@torch.inference_mode()
def test_a_packed_model_computes_what_it_did_before(dtype: torch.dtype, rows: int) -> None:
    model, states = model_of(dtype), torch.randn(2, rows, 64, dtype=dtype)
    before = model(states)
    pack_linears(model)
    assert torch.allclose(model(states), before, rtol=0.02, atol=0.02)


def test_layers_are_packed_where_the_processor_computes_in_their_format() -> None:
    model = model_of(torch.bfloat16)
    pack_linears(model)
    assert sum(isinstance(layer, PackedLinear) for layer in model.modules()) == (2 if computes_bfloat16() else 0)
    plain = model_of(torch.float32)
    pack_linears(plain)
    assert not any(isinstance(layer, PackedLinear) for layer in plain.modules())


@torch.inference_mode()
def test_a_packed_weight_can_still_be_looked_at() -> None:
    model: Any = nn.Sequential(nn.Linear(24, 16)).to(torch.bfloat16)
    before = model[0].weight
    pack_linears(model)
    assert torch.equal(model[0].weight, before)
