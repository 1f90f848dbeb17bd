"""Which token may come next."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, LogitsProcessorList

from rag_app.models.catalogue import PLAIN_GENERATOR, resolve_model
from rag_app.models.decoding import ContextAwareLogitsProcessor, Decoding, FaithfulLogitsProcessor
from rag_app.models.faithfulness import Faithful
from rag_app.models.generation import Generator, load_generator
from rag_app.models.vocabulary import decode_whole, vocabulary_of
from rag_app.records import Message
from tests.tiny_models import byte_tokenizer, save_tiny_generator

TOKENIZER = byte_tokenizer()
SOURCES = "Ada Müller may carry over 10 days (12.5 %) of the leave by 1 March 2024, says the ACME employees' handbook."
texts = st.lists(
    st.sampled_from(
        ["The ", "the ", "Ada", " Mü", "Müller", "1", "12", ".", "5", "%", " of", "[", "]", "T", "é", "20", "24"]
    )
    | st.text(max_size=3),
    max_size=8,
).map("".join)


def apply(processor: Any, texts_so_far: list[list[int]], vocabulary: int = 320) -> torch.Tensor:
    """Return what the processor makes of scores of zero."""
    scores: torch.Tensor = processor(
        torch.tensor(texts_so_far, dtype=torch.long), torch.zeros(len(texts_so_far), vocabulary)
    )
    return scores


def allowed(written: list[int], sources: str = SOURCES, tokenizer: Any = TOKENIZER) -> set[int]:
    processor = FaithfulLogitsProcessor(tokenizer, sources, 0)
    scores = apply(processor, [written], len(tokenizer))
    return {token for token, score in enumerate(scores[0].tolist()) if score == 0}


def tokens_of(text: str) -> list[int]:
    return list(TOKENIZER.encode(text, add_special_tokens=False))


@settings(deadline=None)
@given(texts)
def test_every_token_that_may_follow_a_faithful_text_leaves_it_faithful(text: str) -> None:
    vocabulary = vocabulary_of(TOKENIZER)
    faithful = Faithful(SOURCES, vocabulary.common)
    if not faithful.permits(text):
        return
    following = allowed(tokens_of(text))
    assert following
    for token in following - {TOKENIZER.eos_token_id}:
        longer, unfinished = decode_whole(text.encode() + vocabulary.spelled[token])
        assert unfinished or faithful.permits(longer), (longer, vocabulary.spelled[token])


@settings(deadline=None)
@given(texts)
def test_every_single_character_that_leaves_the_text_faithful_may_follow(text: str) -> None:
    vocabulary = vocabulary_of(TOKENIZER)
    faithful = Faithful(SOURCES, vocabulary.common)
    if not faithful.permits(text):
        return
    following = allowed(tokens_of(text))
    single = [token for token, raw in enumerate(vocabulary.spelled) if len(raw) == 1 and raw.isascii()]
    for token in single:
        longer = text + vocabulary.spelled[token].decode()
        assert (token in following) is faithful.permits(longer), longer


def test_a_number_that_is_begun_goes_on_only_as_one_of_the_sources() -> None:
    assert {TOKENIZER.decode([token]) for token in allowed(tokens_of("up to 1"))} >= {"0", "2", " "}
    assert not {TOKENIZER.decode([token]) for token in allowed(tokens_of("up to 1"))} & set("13456789")
    assert {TOKENIZER.decode([token]) for token in allowed(tokens_of("in 202"))} == {"4"}


def test_a_name_that_is_begun_goes_on_only_as_one_of_the_sources() -> None:
    assert {TOKENIZER.decode([token]) for token in allowed(tokens_of("by Ad"))} == {"a", "A"}
    assert {TOKENIZER.decode([token]) for token in allowed(tokens_of("by Ada Mü"))} == {"l", "L"}
    assert tokens_of("ü")[0] in allowed(tokens_of("by Ada M"))


def test_where_nothing_fits_the_text_ends() -> None:
    assert allowed(tokens_of("by Adx")) == {TOKENIZER.eos_token_id}


def test_rows_of_one_batch_are_masked_each_by_its_own_text() -> None:
    processor = FaithfulLogitsProcessor(TOKENIZER, SOURCES, 1)
    one, other = apply(processor, [[5, *tokens_of("in 202")], [5, *tokens_of("by Ada")]])
    assert int((one == 0).sum()) == 1
    assert int((other == 0).sum()) > 1
    assert bool((one[len(TOKENIZER) :] == -torch.inf).all())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_generator(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


@pytest.fixture(scope="module")
def tiny(model: Any, folder: Path) -> Generator:
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
    return Generator(model, tokenizer, name="tiny")


def whole_words_of(text: str) -> str:
    """Return a generated text without its last word, which may have been cut off."""
    return re.sub(r"(?:\d+[.,:/–’'-])*\w*$", "", text.split("\ufffd")[0])


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("Ab 1259.,%\n", max_size=40), st.text("Ab 1259.,%\n", min_size=1, max_size=20))
def test_a_random_model_writes_no_number_that_its_sources_lack(tiny: Generator, sources: str, asked: str) -> None:
    prompt = [Message("user", asked)]
    decoding = Decoding(faithful_to=sources)
    text = "".join(tiny.stream(prompt, max_new_tokens=40, decoding=decoding))
    assert Faithful(sources, vocabulary_of(tiny._tokenizer).common).permits(whole_words_of(text))


@pytest.mark.parametrize("faithful_to", [None, SOURCES])
@pytest.mark.parametrize("contrast", [0.0, 0.5])
def test_looking_tokens_up_in_the_prompt_changes_no_text(
    tiny: Generator, faithful_to: str | None, contrast: float
) -> None:
    for words in ("the leave of the employees, the leave of", "10 days, 12.5 %, 10 days, 12.5", "Ada Ada Ada Ada"):
        prompt, without = [Message("user", words)], [Message("user", "words")]
        one, other = (
            "".join(
                tiny.stream(
                    prompt,
                    max_new_tokens=60,
                    decoding=Decoding(faithful_to=faithful_to, contrast=contrast, without=without, lookup=lookup),
                )
            )
            for lookup in (True, False)
        )
        assert one == other != ""


@pytest.mark.parametrize("contrast", [0.0, 0.7])
def test_the_processors_make_transformers_write_what_the_generator_writes(
    tiny: Generator, model: Any, contrast: float
) -> None:
    prompt, without = [Message("user", "Ada may carry over 10 days")], [Message("user", "Ada")]
    tokens = tiny._encode(prompt)
    processors = LogitsProcessorList(
        [
            ContextAwareLogitsProcessor(model, tiny._encode(without), len(tokens), contrast=contrast),
            FaithfulLogitsProcessor(tiny._tokenizer, SOURCES, len(tokens)),
        ]
    )
    given_ids = torch.tensor([tokens])
    whole = model.generate(
        given_ids,
        attention_mask=torch.ones_like(given_ids),
        max_new_tokens=40,
        do_sample=False,
        logits_processor=processors,
    )
    decoding = Decoding(faithful_to=SOURCES, contrast=contrast, without=without)
    writing = tiny.stream(prompt, max_new_tokens=40, decoding=decoding)
    assert "".join(writing) == tiny._decode(whole[0, len(tokens) :].tolist())
    assert writing.overruled > 0


def test_contrast_changes_what_is_written_and_needs_a_prompt_without_sources(tiny: Generator) -> None:
    prompt, without = [Message("user", "Ada may carry over 10 days")], [Message("user", "Ada")]
    plain = "".join(tiny.stream(prompt, max_new_tokens=30))
    assert plain != "".join(tiny.stream(prompt, max_new_tokens=30, decoding=Decoding(contrast=2.0, without=without)))
    with pytest.raises(ValueError, match="without its sources"):
        Decoding(contrast=0.5)


def test_contrast_refuses_several_texts_at_once(model: Any) -> None:
    with pytest.raises(ValueError, match="one text at a time, not 2"):
        apply(ContextAwareLogitsProcessor(model, [5], 1, contrast=0.5), [[9, 7], [9, 8]])


def test_contrast_starts_anew_with_another_text(model: Any) -> None:
    used, fresh = (ContextAwareLogitsProcessor(model, [5, 6], 1, contrast=0.5) for _ in range(2))
    apply(used, [[9, 7]])
    assert torch.allclose(apply(used, [[9, 8, 7]]), apply(fresh, [[9, 8, 7]]), atol=1e-5)
    assert torch.allclose(apply(used, [[9, 8, 7, 7]]), apply(fresh, [[9, 8, 7, 7]]), atol=1e-5)


TEMPTING = "How old is the river bridge, and who designed it? Name the architect and the year."
BRIDGE = "The river bridge has 3 arches. It was closed for repairs by the city engineer Nora Quist."


@pytest.fixture
def inventive(prepared_home: Path) -> Generator:
    """The embedded generator as it was published, which was not taught to be silent."""
    return load_generator(resolve_model(PLAIN_GENERATOR, kind="generator", home=prepared_home), device="cpu")


def test_a_real_model_that_would_invent_a_year_writes_only_numbers_and_names_of_its_source(
    inventive: Generator,
) -> None:
    prompt = [Message("user", f"{BRIDGE}\n\n{TEMPTING}")]
    free = "".join(inventive.stream(prompt, max_new_tokens=60))
    known = Faithful(f"{BRIDGE}\n{TEMPTING}", vocabulary_of(inventive._tokenizer).common)
    assert not known.permits(whole_words_of(free))
    writing = inventive.stream(prompt, max_new_tokens=60, decoding=Decoding(faithful_to=f"{BRIDGE}\n{TEMPTING}"))
    faithful = "".join(writing)
    assert known.permits(whole_words_of(faithful))
    assert writing.overruled > 0
    assert set(re.findall(r"\d+", whole_words_of(faithful))) <= {"3"}
