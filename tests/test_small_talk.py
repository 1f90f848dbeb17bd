"""Greetings, thanks and farewells are told from questions, and never swallow one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.answering.small_talk import REPLIES, small_talk, without_greeting


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Hi", "greeting"),
        ("Good morning, how are you today?", "greeting"),
        ("Bonjour !", "greeting"),
        ("नमस्ते", "greeting"),
        ("こんにちは。", "greeting"),
        ("السلام عليكم", "greeting"),
        ("Thanks!", "thanks"),
        ("Okay, thank you so much for your help 🙏", "thanks"),
        ("Muchas gracias", "thanks"),
        ("Thanks! That's all. Goodbye", "farewell"),
        ("Auf Wiedersehen", "farewell"),
        ("Who are you?", "about"),
        ("Hello there, what can you do for me?", "about"),
        ("What’s your name?", "about"),
        ("What can you do", "about"),
        ("What documents do you have?", "library"),
        ("Hi, what is this library about", "library"),
        ("Thanks for nothing!", "complaint"),
        ("You are stupid", "complaint"),
        ("yes", "unclear"),
        ("No.", "unclear"),
        ("No, thanks", "thanks"),
    ],
)
def test_small_talk_is_recognised_in_several_languages(message: str, kind: str) -> None:
    assert small_talk(message) == kind


@pytest.mark.parametrize(
    "question",
    [
        "hi, how many days of leave?",
        "hello how many days of leave do I get",
        "Who are you responsible to?",
        "How do you work remotely?",
        "What is this?",
        "Good morning routine?",
        "Thank you notes",
        "Can you help me with my expenses?",
        "and there?",
        "Is hello world documented?",
        "What documents do I need?",
        "Which documents do you have about leave?",
        "list the documents needed for a visa",
        "you are wrong about the price",
        "What is wrong with the pump?",
        "thanks, and how long is the warranty?",
        "Yes, how long is the warranty?",
        "please",
        "",
        "?!",
    ],
)
def test_a_message_with_a_question_in_it_is_none(question: str) -> None:
    assert small_talk(question) is None


@pytest.mark.parametrize(
    ("message", "question"),
    [
        ("Hi, how many days of leave?", "how many days of leave?"),
        ("hi team what is the wifi password", "what is the wifi password"),
        ("Thanks, and for Sweden?", "and for Sweden?"),
        ("Ok, so how long does it take?", "so how long does it take?"),
        ("Hello Heron 40 range?", "Hello Heron 40 range?"),
        ("Thank you notes: who writes them?", "Thank you notes: who writes them?"),
        ("Hi!", "Hi!"),
        ("What documents do you have on leave?", "What documents do you have on leave?"),
        ("Hello is the canteen open?", "is the canteen open?"),
        ("Cheers was set in which city?", "Cheers was set in which city?"),
        ("Nice has how many inhabitants?", "Nice has how many inhabitants?"),
    ],
)
def test_a_greeting_before_a_question_is_dropped_and_nothing_else(message: str, question: str) -> None:
    assert without_greeting(message) == question


@given(st.text(max_size=80))
def test_what_is_left_of_a_message_is_always_its_end(message: str) -> None:
    assert message.endswith(without_greeting(message))


@given(st.text(alphabet="bcdfgjklmqvwxz", min_size=6, max_size=12))
def test_one_unknown_word_makes_a_message_a_question(word: str) -> None:
    assert small_talk(f"Hello {word}") is None
    assert small_talk(f"{word}, thank you") is None


@pytest.mark.parametrize("message", ["who", "Why?", "WHO?", "what is it?", "?", "👍", "Are you sure?", "tell me more"])
def test_a_message_that_names_nothing_is_unclear_unless_it_follows(message: str) -> None:
    assert small_talk(message, follows=False) == "unclear"
    assert small_talk(message) is None
    assert "whole question" in REPLIES["unclear"]


@pytest.mark.parametrize(
    "question",
    [
        "who pays?",
        "what is a sluice?",
        "What is a will?",
        "What is IT?",
        "Who is WHO?",
        "What is May?",
        "what is C?",
        "what is &?",
        "42",
        "Was ist das?",
        "दिन?",
        "Give me an example of a sluice",
        "thanks, and how long is the warranty?",
    ],
)
def test_one_word_or_sign_that_names_something_is_enough_to_search_with(question: str) -> None:
    assert small_talk(question, follows=False) is None
