"""What a model has read stays read."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM
from transformers.cache_utils import DynamicLayer

from rag_app.models.stepping import SPARE_TOKENS, Course, RoomyLayer, Stepper
from tests.tiny_models import save_tiny_generator, tiny_llama_config


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = save_tiny_generator(
        Path(tmp_path_factory.mktemp("models")) / "tiny", config=tiny_llama_config(2 * SPARE_TOKENS)
    )
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@given(st.lists(st.tuples(st.integers(1, SPARE_TOKENS), st.integers(0, 3)), min_size=1, max_size=5))
@settings(deadline=None)
def test_a_roomy_layer_holds_what_a_growing_one_does(steps: list[tuple[int, int]]) -> None:
    torch.manual_seed(5)
    roomy, growing = RoomyLayer(), DynamicLayer()  # type: ignore[no-untyped-call]
    for count, back in steps:
        keys, values = torch.randn(2, 1, 2, count, 4)
        for one, other in zip(roomy.update(keys, values), growing.update(keys, values), strict=True):
            assert torch.equal(one, other)
        for layer in (roomy, growing):
            layer.crop(-min(back, count))
        assert roomy.get_seq_length() == growing.get_seq_length()


@torch.inference_mode()
def test_a_course_with_drafts_reads_what_the_whole_text_says(model: Any) -> None:
    course = Course(Stepper(model, name="tiny"), [5, 6, 7])
    course.read()
    course.settle([8])
    drafted = course.read([9, 10, 11])
    course.settle([9, 20])
    after = course.read()
    whole = model(torch.tensor([[5, 6, 7, 8, 9, 10, 11]])).logits[0, -4:]
    assert torch.allclose(drafted, whole, atol=1e-5)
    assert torch.allclose(after, model(torch.tensor([[5, 6, 7, 8, 9, 20]])).logits[0, -1:], atol=1e-5)


@torch.inference_mode()
def test_a_text_may_outgrow_the_room_that_was_made_for_it(model: Any) -> None:
    course, text = Course(Stepper(model, name="tiny"), [5, 6, 7]), [5, 6, 7]
    for _ in range(SPARE_TOKENS + 20):
        last = course.read()
        text.append(int(last.argmax()))
        course.settle(text[-1:])
    assert torch.allclose(last, model(torch.tensor([text[:-1]])).logits[0, -1:], atol=1e-4)
