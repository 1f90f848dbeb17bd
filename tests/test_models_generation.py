"""A causal language model writes text, piece by piece."""

import shutil
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GenerationConfig,
    GPT2Config,
    GPT2LMHeadModel,
    MambaConfig,
    MambaForCausalLM,
    PreTrainedConfig,
)
from transformers.modeling_outputs import CausalLMOutput

from rag_app.errors import ModelDamaged, ModelError
from rag_app.models.catalogue import GENERATOR_ADAPTER_SHA256, resolve_model
from rag_app.models.decoding import Decoding
from rag_app.models.generation import Generator, Order, load_generator
from rag_app.models.streaming import Progress
from rag_app.models.templates import encode_chat
from rag_app.records import Message
from tests.tiny_models import TEMPLATE_WITHOUT_SYSTEM, byte_tokenizer, save_tiny_generator, tiny_llama_config

ASK = [
    Message("system", "Answer from the passage."),
    Message(
        "user", "Passage: Up to 10 days of leave may be carried over.\nQuestion: How many days may be carried over?"
    ),
]
REPEATING = [Message("user", "the leave of the employees, the leave of the employees, the leave of")]


def load(folder: Path, home: Path) -> Generator:
    return load_generator(resolve_model(str(folder), kind="generator", home=home), device="cpu")


@pytest.fixture(scope="module")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_generator(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return load(tiny_folder, tmp_path_factory.mktemp("home"))


def settle(generator: Generator, prompt: list[int], most: int, decoding: Decoding = Decoding()) -> list[list[int]]:
    return list(generator._settle(Order(prompt, most, decoding=decoding), Progress(len(prompt))))


def tokens_of(text: str) -> list[int]:
    return list(byte_tokenizer().encode(text, add_special_tokens=False))


def test_the_embedded_generator_answers_from_its_prompt(generator: Generator) -> None:
    pieces = list(generator.stream(ASK, max_new_tokens=40))
    assert "10 days" in "".join(pieces)
    assert len(pieces) > 1


def test_the_embedded_generator_names_itself_and_its_context(generator: Generator) -> None:
    assert generator.name == f"SmolLM2-135M-Instruct@b179c952+{GENERATOR_ADAPTER_SHA256[:8]}"
    assert generator.context_tokens == 8192


def test_the_same_prompt_gives_the_same_answer(generator: Generator) -> None:
    first, second = ("".join(generator.stream(ASK, max_new_tokens=12)) for _ in range(2))
    assert first == second != ""


def test_the_prompt_is_counted_in_the_models_own_template(tiny: Generator) -> None:
    rendered = "<user>hello</s><assistant>"
    assert tiny.count_tokens([Message("user", "hello")]) == len(tokens_of(rendered))


def test_writing_ends_at_the_number_of_tokens_that_was_given(tiny: Generator) -> None:
    longer = "".join(tiny.stream(REPEATING, max_new_tokens=30))
    shorter = "".join(tiny.stream(REPEATING, max_new_tokens=9)).rstrip("\ufffd")
    assert len(shorter) <= 9 < len(longer)
    assert longer.startswith(shorter)


def test_a_stop_is_honoured_before_the_next_step(tiny: Generator) -> None:
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(len(asked) == 3)
        return asked[-1]

    whole = "".join(tiny.stream(REPEATING, max_new_tokens=60))
    stopped = "".join(tiny.stream(REPEATING, max_new_tokens=60, stop=stop))
    assert asked == [False, False, False, True]
    assert len(stopped) < len(whole)


def test_a_stop_that_comes_first_lets_nothing_be_written(tiny: Generator) -> None:
    assert list(tiny.stream(REPEATING, max_new_tokens=60, stop=lambda: True)) == []


def test_an_abandoned_stream_does_not_hold_up_the_next(tiny: Generator) -> None:
    abandoned = tiny.stream(REPEATING, max_new_tokens=60)
    next(abandoned)
    assert "".join(tiny.stream(REPEATING, max_new_tokens=20))
    assert "".join(abandoned)


def test_a_prompt_longer_than_the_context_is_refused_with_both_sizes(tiny: Generator) -> None:
    long = [Message("user", "x" * 400)]
    with pytest.raises(ModelError, match=f"prompt has {tiny.count_tokens(long)} tokens, but .* reads 256 at most"):
        tiny.stream(long, max_new_tokens=10)


def test_an_answer_never_outgrows_the_context(tiny: Generator) -> None:
    prompt = [Message("user", "x" * 230)]
    room = tiny.context_tokens - tiny.count_tokens(prompt)
    writing = tiny.stream(prompt, max_new_tokens=10_000)
    assert "".join(writing)
    assert writing.tokens == room
    assert "".join(tiny.stream(prompt, max_new_tokens=10_000)) == "".join(tiny.stream(prompt, max_new_tokens=room))


def test_two_threads_get_what_each_would_get_alone(tiny: Generator) -> None:
    prompts = [[Message("user", "the leave of the employees")], [Message("user", "10 days, 20 days, 10 days, 20")]]
    alone = ["".join(tiny.stream(prompt, max_new_tokens=40)) for prompt in prompts]
    found: dict[int, str] = {}

    def work(place: int) -> None:
        found[place] = "".join(tiny.stream(prompts[place], max_new_tokens=40))

    threads = [Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[0], found[1]] == alone


class Failing:
    """A model that works until its memory runs out, at its third step."""

    def __init__(self, model: object) -> None:
        self._model = model
        self.steps = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._model, name)

    def eval(self) -> "Failing":
        return self

    def __call__(self, **inputs: object) -> object:
        self.steps += 1
        if self.steps > 2:
            raise RuntimeError("out of memory")
        return self._model(**inputs)  # type: ignore[operator]


def test_an_error_of_the_device_reaches_the_caller_and_frees_the_model(tiny_folder: Path) -> None:
    model = Failing(AutoModelForCausalLM.from_pretrained(tiny_folder))
    generator = Generator(model, AutoTokenizer.from_pretrained(tiny_folder), name="failing")
    stream = generator.stream(REPEATING, max_new_tokens=50)
    with pytest.raises(ModelError, match="failing could not go on .* out of memory"):
        list(stream)
    model.steps = 0
    assert next(generator.stream(REPEATING, max_new_tokens=2))


KINDS: dict[str, tuple[type, PreTrainedConfig]] = {
    "learnt positions": (
        GPT2LMHeadModel,
        GPT2Config(vocab_size=320, n_embd=32, n_layer=2, n_head=2, n_positions=128, bos_token_id=0, eos_token_id=1),
    ),
    "sliding window": (
        Gemma3ForCausalLM,
        Gemma3TextConfig(
            vocab_size=320, hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, sliding_window=16, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        ),
    ),
    "running state": (
        MambaForCausalLM,
        MambaConfig(
            vocab_size=320, hidden_size=32, num_hidden_layers=2, state_size=4, bos_token_id=0, eos_token_id=1,
            pad_token_id=1,
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_models_of_every_kind_write_what_transformers_itself_would(kind: str, tmp_path: Path) -> None:
    architecture, config = KINDS[kind]
    generator = load(save_tiny_generator(tmp_path / "model", config=config, kind=architecture), tmp_path)
    model: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=generator._stepper.model.dtype)
    prompt = torch.tensor([generator._encode(REPEATING)])
    whole = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=30, do_sample=False)
    settled = [token for step in settle(generator, prompt[0].tolist(), 30) for token in step]
    assert settled == whole[0, prompt.shape[1] :].tolist()


def test_an_answer_that_quotes_the_prompt_takes_fewer_steps_than_tokens() -> None:
    quote = "Up to 10 days of leave may be carried over."
    generator = Generator(Reciting(quote), byte_tokenizer(), name="reciting")
    steps = settle(generator, generator._encode(ASK), 100)
    assert [token for step in steps for token in step] == tokens_of(quote)
    assert len(steps) < len(tokens_of(quote)) / 3


def test_a_template_without_system_turns_gets_their_text_in_the_first_question() -> None:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = TEMPLATE_WITHOUT_SYSTEM
    encoded = encode_chat(tokenizer, [Message("system", "be brief"), Message("user", "hello")])
    assert encoded == tokens_of("<user>be brief\n\nhello</s><assistant>")


def test_a_template_that_refuses_the_conversation_is_reported() -> None:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('no turns please') }}"
    for turns in ([Message("user", "hello")], [Message("system", "be brief"), Message("user", "hello")]):
        with pytest.raises(ModelError, match="refuses the conversation: no turns please"):
            encode_chat(tokenizer, turns)


def test_a_model_without_template_gets_plain_lines(tmp_path: Path) -> None:
    generator = load(save_tiny_generator(tmp_path / "plain", template=None), tmp_path)
    turns = [Message("system", "be brief"), Message("user", "hi"), Message("assistant", "yes"), Message("user", "ok")]
    assert generator._encode(turns) == tokens_of("be brief\n\nUser: hi\nAssistant: yes\nUser: ok\nAssistant:")
    assert "".join(generator.stream(turns, max_new_tokens=8))


class Reciting:
    """A model that says a text, whatever it is asked, and then ends."""

    def __init__(self, text: str) -> None:
        self.config = tiny_llama_config()
        self.generation_config = GenerationConfig(eos_token_id=[1, 2])  # type: ignore[no-untyped-call]
        self.device = torch.device("cpu")
        self._rest = [*tokens_of(text), 2]

    def eval(self) -> "Reciting":
        return self

    def forward(
        self, input_ids: torch.Tensor, past_key_values: object, use_cache: bool, logits_to_keep: int
    ) -> CausalLMOutput:
        proposed = input_ids[0].tolist()[1 - logits_to_keep :] if logits_to_keep > 1 else []
        said = (self._rest + [0] * logits_to_keep)[:logits_to_keep]
        settled = 1 + next((n for n, token in enumerate(proposed) if token != said[n]), len(proposed))
        self._rest = self._rest[settled:]
        return CausalLMOutput(logits=torch.nn.functional.one_hot(torch.tensor([said]), 320).float())

    __call__ = forward


@pytest.mark.parametrize("text", ["Ten days.", "the leave of the leave of the leave of the employees", "é€𐀀", ""])
def test_an_answer_ends_where_the_model_ends_it(text: str) -> None:
    generator = Generator(Reciting(text), byte_tokenizer(), name="reciting")
    assert "".join(generator.stream(REPEATING, max_new_tokens=100)) == text


def test_a_model_without_template_does_not_go_on_as_the_user() -> None:
    generator = Generator(Reciting("Ten days.\nUser: and then?"), byte_tokenizer(), name="reciting")
    assert "".join(generator.stream(ASK, max_new_tokens=100)) == "Ten days."


def test_a_model_that_keeps_no_cache_is_refused() -> None:
    class Forgetful(Reciting):
        def forward(self, input_ids: torch.Tensor) -> None:  # type: ignore[override]
            """Take nothing but the tokens."""

    with pytest.raises(ModelError, match="forgetful keeps no cache"):
        Generator(Forgetful(""), byte_tokenizer(), name="forgetful")


def test_weights_that_are_missing_are_not_made_up(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "holed"
    shutil.copytree(tiny_folder, folder)
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelDamaged, match=r"lacks 1 of its weights, model\.layers\.1\.mlp\.up_proj\.weight"):
        load(folder, tmp_path)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_cut_off_file_is_a_model_error_that_names_the_folder(tiny_folder: Path, tmp_path: Path, file: str) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(tiny_folder, folder)
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"cut in .* cannot be loaded as a generator"):
        load(folder, tmp_path)


def test_a_writing_tells_how_long_it_is_and_how_probable_the_model_held_it(tiny: Generator) -> None:
    writing = tiny.stream(REPEATING, max_new_tokens=20)
    assert (writing.tokens, writing.mean_log_probability) == (0, 0.0)
    assert "".join(writing)
    assert (writing.prompt_tokens, writing.tokens) == (tiny.count_tokens(REPEATING), 20)
    tokens = tiny._encode(REPEATING)
    written = [token for step in settle(tiny, tokens, 20) for token in step]
    with torch.inference_mode():
        logits = tiny._stepper.model(torch.tensor([tokens + written])).logits[0].float()
    rows = logits[len(tokens) - 1 : -1].log_softmax(dim=-1)
    expected = rows[torch.arange(20), torch.tensor(written)].mean().item()
    assert writing.mean_log_probability == pytest.approx(expected, abs=0.02)
    assert writing.overruled == 0


def test_a_writing_knows_how_probable_any_opening_was(generator: Generator) -> None:
    writing = generator.stream(ASK, max_new_tokens=12)
    assert writing.opening_probability("The") == 0.0
    answer = "".join(writing)
    likeliest = writing.opening_probability(answer.split()[0])
    assert likeliest > 0.1 > writing.opening_probability("Zebra")
    assert 0.0 < writing.opening_probability("Zebra") < likeliest <= 1.0


def test_a_writing_that_is_stopped_first_knows_no_opening(tiny: Generator) -> None:
    writing = tiny.stream(REPEATING, max_new_tokens=5, stop=lambda: True)
    assert list(writing) == []
    assert (writing.tokens, writing.opening_probability("the")) == (0, 0.0)
