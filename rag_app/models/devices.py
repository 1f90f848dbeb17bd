"""Where models run and in which number format."""

import torch

from rag_app.errors import ModelError


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device to run on; "auto" takes CUDA, else MPS, else the CPU.

    Raises:
        ModelError: the device that was asked for is not there.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, there in present.items() if there))
    if not present.get(wanted, False):
        found = ", ".join(name for name, there in present.items() if there)
        raise ModelError(f"Device '{wanted}' is not available to torch here, only: {found}. Set device to one of them.")
    return torch.device(wanted)


def choose_dtype(device: torch.device) -> torch.dtype:
    """Return the fastest format that the device computes in natively and that loses nothing that matters.

    MPS gets float32: float16 overflows in models that were trained in bfloat16.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    if device.type == "cpu" and computes_bfloat16():
        return torch.bfloat16
    return torch.float32


def computes_bfloat16() -> bool:
    """Return whether this CPU multiplies bfloat16 in hardware and torch has the kernels to use it.

    Elsewhere bfloat16 is emulated and many times slower than float32.
    """
    instructions = torch.cpu.get_capabilities()
    hardware = any(instructions.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return hardware and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
