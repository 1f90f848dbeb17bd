"""Where models run."""

import os
import subprocess
import sys

import pytest
import torch

from rag_app.errors import ModelError
from rag_app.models.devices import choose_device, choose_dtype, computes_bfloat16


def test_auto_takes_an_accelerator_where_there_is_one() -> None:
    accelerated = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (choose_device().type != "cpu") == accelerated


@pytest.mark.parametrize("name", ["tpu", "", "CPU0"])
def test_an_unknown_device_is_refused_by_name(name: str) -> None:
    with pytest.raises(ModelError, match=f"'{name}' is not available.*cpu"):
        choose_device(name)


def test_the_cpu_computes_in_bfloat16_exactly_when_it_has_the_instructions() -> None:
    chosen = choose_dtype(torch.device("cpu"))
    assert chosen == (torch.bfloat16 if computes_bfloat16() else torch.float32)


def test_mps_computes_in_float32() -> None:
    assert choose_dtype(torch.device("mps")) == torch.float32


def test_waiting_threads_sleep_unless_the_user_says_otherwise() -> None:
    script = "import os, rag_app; print(os.environ['OMP_WAIT_POLICY'])"
    for given, found in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        rest = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
        done = subprocess.run(
            [sys.executable, "-c", script], env=rest | given, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{found}\n"
