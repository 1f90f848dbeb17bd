"""What tokens spell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from rag_app.models.generation import Generator
from rag_app.models.vocabulary import decode_whole, spell_tokens, vocabulary_of
from tests.tiny_models import byte_tokenizer

TOKENIZER = byte_tokenizer()


@given(st.text(max_size=40))
def test_the_spelled_tokens_of_any_text_join_to_its_bytes(text: str) -> None:
    spelled = spell_tokens(TOKENIZER)
    assert b"".join(spelled[token] for token in TOKENIZER.encode(text, add_special_tokens=False)) == text.encode()


def test_special_tokens_spell_nothing() -> None:
    assert [spell_tokens(TOKENIZER)[token] for token in TOKENIZER.all_special_ids] == [b"", b""]


def test_a_sentencepiece_tokenizer_spells_spaces_and_bytes() -> None:
    words = {"<s>": 0, "</s>": 1, "\u2581the": 2, "s": 3, "<0xC3>": 4, "\u00e9": 5}
    core = Tokenizer(models.BPE(vocab=words, merges=[], byte_fallback=True))
    core.decoder = decoders.ByteFallback()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")  # type: ignore[no-untyped-call]
    assert spell_tokens(tokenizer) == [b"", b"", b" the", b"s", b"\xc3", "é".encode()]


def test_a_sentencepiece_tokenizer_may_know_the_letter_that_others_write_for_a_space() -> None:
    words = {"<s>": 0, "</s>": 1, "\u2581the": 2, "\u0120": 3}
    core = Tokenizer(models.BPE(vocab=words, merges=[], byte_fallback=True))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>")  # type: ignore[no-untyped-call]
    assert spell_tokens(tokenizer) == [b"", b"", b" the", "\u0120".encode()]


@given(st.text(min_size=1, max_size=10), st.integers(0, 3))
def test_the_first_bytes_of_a_character_are_told_apart(text: str, cut: int) -> None:
    raw = text.encode()
    whole, unfinished = decode_whole(raw[: len(raw) - cut])
    assert whole.encode() + unfinished == raw[: len(raw) - cut]


def test_a_vocabulary_is_sorted_once() -> None:
    assert vocabulary_of(TOKENIZER) is vocabulary_of(TOKENIZER)


@pytest.mark.parametrize(
    ("word", "common"),
    [("the", True), ("according", True), ("employees", True), ("paris", False), ("john", False), ("seven", False)],
)
def test_common_words_are_those_that_are_written_small_more_often(
    generator: Generator, word: str, common: bool
) -> None:
    assert (word in vocabulary_of(generator._tokenizer).common.words) is common
