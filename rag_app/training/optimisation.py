"""What every training shares: float32 weights that the optimiser moves, and checkpoints that a run is taken up from."""

import math
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rag_app.errors import DataError
from rag_app.models.devices import choose_device


class MasterWeights:
    """The trained weights in float32, which AdamW moves; the model may hold them rounded to its own type."""

    def __init__(self, trained: Iterable[tuple[str, nn.Parameter]], *, weight_decay: float = 0.01) -> None:
        """Take over the named parameters of a model; only matrices decay."""
        self._live = {name: parameter.requires_grad_(True) for name, parameter in trained}
        # Those that are float32 already are not copied but share their memory.
        self.values = {name: p.detach().float() for name, p in self._live.items()}
        matrices = [m for m in self.values.values() if m.dim() == 2]
        vectors = [m for m in self.values.values() if m.dim() != 2]
        groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self._optimiser = torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.98), fused=True)

    def step(self, rate: float, *, clip: float = 1.0) -> None:
        """Move the weights by the gradients that lie on the model, at this learning rate, and clear these."""
        for name, parameter in self._live.items():
            self.values[name].grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(list(self.values.values()), clip)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        self._copy_down()

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """Set every weight to its value in ``values``, which may hold others too."""
        for name, own in self.values.items():
            own.copy_(values[name])
        self._copy_down()

    def state(self) -> dict[str, Any]:
        """Return all that a run must have to go on."""
        return {"optimiser": self._optimiser.state_dict(), "master": self.values}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what ``state`` returned."""
        self._optimiser.load_state_dict(state["optimiser"])
        self.assign(state["master"])

    def halves(self) -> dict[str, Tensor]:
        """Return the weights in float16, to be stored."""
        return {name: value.detach().half().cpu().contiguous() for name, value in self.values.items()}

    @torch.no_grad()
    def _copy_down(self) -> None:
        for name, parameter in self._live.items():
            if parameter.dtype != torch.float32:
                parameter.copy_(self.values[name])


def put_down(file: Path, weights: MasterWeights, *, step: int, run: Mapping[str, Any]) -> None:
    """Write a checkpoint after ``step`` steps, which replaces the last one at once or not at all.

    ``run`` tells this run from others by its options and data.
    """
    draft = file.with_suffix(".tmp")
    try:
        torch.save({"step": step, "run": dict(run), **weights.state()}, draft)
        draft.replace(file)
    except (OSError, RuntimeError) as error:
        raise DataError(f"{file} cannot be written: {error}. Make room, or choose another folder.") from error


def take_up(file: Path, weights: MasterWeights, *, run: Mapping[str, Any]) -> int:
    """Restore the checkpoint in ``file`` and return its count of steps; 0 where there is none.

    Raises:
        DataError: the checkpoint is damaged, or of another run.
    """
    if not file.exists():
        return 0
    remedy = "Remove it, or choose another folder for the adapter."
    place = next(iter(weights.values.values())).device
    try:
        state: dict[str, Any] = torch.load(file, weights_only=True, map_location=place)
        same = state["run"] == run
        if same:
            weights.restore(state)
    except (OSError, RuntimeError, EOFError, LookupError, ValueError, TypeError, pickle.UnpicklingError) as error:
        # torch's own message advises to load it unsafely.
        raise DataError(f"{file} is damaged and cannot be taken up ({type(error).__name__}). {remedy}") from error
    if not same:
        raise DataError(f"{file} is of a run with other data or options. {remedy}")
    return int(state["step"])


def training_device(wanted: str) -> torch.device:
    """Return where to train: "auto" takes CUDA or the CPU, for on MPS none of this was tried."""
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return choose_device(automatic if wanted == "auto" else wanted)


def learning_rate(step: int, *, steps: int, peak: float, warm_up: int) -> float:
    """Return the rate of a step: a linear rise over ``warm_up`` steps, then a cosine down to zero at ``steps``."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = (step - warm_up) / max(steps - warm_up, 1)
    return peak * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
