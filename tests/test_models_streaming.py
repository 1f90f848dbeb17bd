"""Pieces of text from tokens, and drafts from the prompt."""

from hypothesis import given
from hypothesis import strategies as st

from rag_app.models.streaming import PromptLookup, TextStream
from tests.tiny_models import byte_tokenizer

TOKENIZER = byte_tokenizer()


def decode(tokens: list[int]) -> str:
    return str(TOKENIZER.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def pieces_of(text: str, *, step: int = 1, until: str | None = None) -> list[str]:
    stream = TextStream(decode, until)
    tokens = TOKENIZER.encode(text, add_special_tokens=False)
    found = [stream.add(tokens[low : low + step]) for low in range(0, len(tokens), step)]
    return [*found, stream.rest()]


@given(st.text(max_size=60), st.integers(1, 5))
def test_the_pieces_of_any_text_join_to_that_text(text: str, step: int) -> None:
    assert "".join(pieces_of(text, step=step)) == text


@given(st.text(max_size=40))
def test_a_decoder_that_gives_up_on_a_whole_run_of_bytes_is_followed_too(text: str) -> None:
    def decode_run(tokens: list[int]) -> str:
        try:
            return bytes(tokens).decode()
        except UnicodeDecodeError:
            return "\ufffd" * len(tokens)

    stream = TextStream(decode_run)
    pieces = [stream.add([byte]) for byte in text.encode()]
    assert "".join([*pieces, stream.rest()]) == text


def test_a_character_of_several_tokens_comes_whole() -> None:
    assert len(TOKENIZER.encode("€", add_special_tokens=False)) > 1
    assert [piece for piece in pieces_of("5 €!") if piece] == ["5", " ", "€", "!"]


def test_bytes_that_make_no_character_do_not_hold_the_text_back_for_ever() -> None:
    stream = TextStream(decode)
    stray = TOKENIZER.encode("€", add_special_tokens=False)[:1]
    shown = "".join(stream.add(stray) for _ in range(40))
    assert len(shown) > 20


@given(st.text("ab\nUser:", max_size=30), st.integers(1, 4))
def test_text_from_the_given_mark_on_is_never_shown(text: str, step: int) -> None:
    shown = "".join(pieces_of(text, step=step, until="\nUser:"))
    assert shown == text.partition("\nUser:")[0]


def test_a_stream_says_when_the_mark_came() -> None:
    stream = TextStream(decode, "STOP")
    stream.add(TOKENIZER.encode("go ST", add_special_tokens=False))
    assert not stream.ended
    stream.add(TOKENIZER.encode("OP on", add_special_tokens=False))
    assert stream.ended


def test_what_followed_the_last_tokens_before_is_proposed() -> None:
    assert PromptLookup([1, 2, 3, 4, 5, 6, 1, 2, 3], most=2).propose() == [4, 5]


def test_the_most_recent_occurrence_is_proposed() -> None:
    assert PromptLookup([1, 2, 9, 1, 2, 7, 1, 2]).propose()[0] == 7


def test_a_longer_match_comes_before_a_more_recent_one() -> None:
    assert PromptLookup([5, 1, 2, 8, 0, 1, 2, 9, 5, 1, 2]).propose()[0] == 8


def test_new_tokens_propose_nothing() -> None:
    assert PromptLookup([1, 2, 3, 4]).propose() == []
    assert PromptLookup([1]).propose() == []


@given(st.lists(st.integers(0, 3), max_size=40))
def test_tokens_added_one_by_one_propose_the_same_as_added_at_once(tokens: list[int]) -> None:
    by_one = PromptLookup([])
    for token in tokens:
        by_one.add([token])
    assert by_one.propose() == PromptLookup(tokens).propose()
