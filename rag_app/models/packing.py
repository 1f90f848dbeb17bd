"""Lay a model's weights out once as the CPU's matrix kernels want them, instead of at every step.

A step of a small model is mostly the reading of its weights. In bfloat16, oneDNN lays each matrix out anew for every
product unless it was packed before, which makes a step a quarter longer. Inductor packs in the same way, but would
need a compiler on the user's machine.
"""

import torch
from torch import nn

from rag_app.models.devices import computes_bfloat16


class PackedLinear(nn.Module):
    """A linear layer whose weight is packed; for inference only."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        # Not a parameter or buffer: a packed tensor can be neither saved nor moved.
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.bias = linear.bias

    @property
    def weight(self) -> torch.Tensor:
        """The weight as it was, (out_features, in_features), unpacked anew each time; some models look at it."""
        weight: torch.Tensor = self._packed.to_dense()
        return weight

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return the product of (..., in_features) with the weight, as (..., out_features)."""
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(states, self._packed, self.bias, "none", [], "")
        return product


def pack_linears(model: nn.Module) -> None:
    """Pack the linear layers of a model in place where that makes it faster: those in bfloat16 on such a CPU."""
    if not computes_bfloat16() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if type(layer) is nn.Linear and layer.weight.device.type == "cpu" and layer.weight.dtype == torch.bfloat16:
                setattr(parent, name, PackedLinear(layer))
