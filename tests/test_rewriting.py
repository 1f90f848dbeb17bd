"""A follow-up is made to stand alone by rules where they suffice, else by a model that may invent nothing."""

import pytest

from rag_app.answering.rewriting import REWRITE_TOKENS, has_asked, is_faithful, model_rewriter, standalone_question
from rag_app.answering.small_talk import REPLIES
from rag_app.records import Message
from tests.fakes import ScriptedGenerator


def talk(*turns: str) -> list[Message]:
    """Return turns as messages, the first of which the reader wrote."""
    return [Message("assistant" if place % 2 else "user", turn) for place, turn in enumerate(turns)]


LEAVE = talk("How many days of annual leave do employees have?", "25 days. [1]")


def never(question: str, history: object) -> str:
    raise AssertionError("The model was asked although rules suffice.")


def test_a_question_that_stands_alone_is_left_alone() -> None:
    question = "Where is the Tromsø office located in the city?"
    assert standalone_question(question, LEAVE, never) == question


def test_without_a_history_nothing_is_added() -> None:
    assert standalone_question("And then?", [], never) == "And then?"
    assert standalone_question("And then?", talk("Hello!", "Hello!"), never) == "And then?"


def test_a_greeting_before_a_question_is_dropped() -> None:
    assert standalone_question("Hi! Who approves leave?", []) == "Who approves leave?"


@pytest.mark.parametrize(
    ("before", "follow_up", "expected"),
    [
        ("What is the per diem for Norway?", "And for Italy?", "What is the per diem for Italy?"),
        ("What is the lunch allowance in Norway?", "what about Italy", "What is the lunch allowance in Italy?"),
        ("What is the range of the Heron 20?", "And the Heron 40?", "What is the range of the Heron 40?"),
        ("When is the canteen open on Saturday?", "How about Sunday?", "When is the canteen open on Sunday?"),
        ("How much leave is there after 5 years?", "And 10 years?", "How much leave is there after 10 years?"),
    ],
)
def test_a_value_is_put_into_the_question_before(before: str, follow_up: str, expected: str) -> None:
    assert standalone_question(follow_up, talk(before, "54"), never) == expected


def test_a_follow_up_of_a_follow_up_leans_on_what_that_one_meant() -> None:
    history = talk("What is the per diem for Norway?", "62", "And for Italy?", "42", "Thanks!", "You are welcome.")
    assert standalone_question("And for Spain?", history) == "What is the per diem for Spain?"
    assert standalone_question("Why?", history) == "What is the per diem for Italy? Why?"


FULL_TIME = "How many days of annual leave do full-time employees have?"


def test_a_full_question_that_begins_with_and_stands_alone_as_its_rest() -> None:
    history = talk("Who decided on induction?", "Anna. [1]")
    assert standalone_question("And what colour are the tiles?", history, never) == "What colour are the tiles?"


@pytest.mark.parametrize(
    ("before", "follow_up", "expected"),
    [
        (FULL_TIME, "And in Lindhafen?", "How many days of annual leave do full-time employees have in Lindhafen?"),
        (FULL_TIME, "What about in Lindhafen then?", f"{FULL_TIME[:-1]} in Lindhafen?"),
        ("Is remote work allowed?", "And in Brazil?", "Is remote work allowed in Brazil?"),
        ("What was the revenue in 2022?", "And in Norway?", "What was the revenue in 2022 in Norway?"),
        ("How do I pay in the head office?", "And in Lindhafen?", "How do I pay in Lindhafen?"),
        ("When is the project due?", "And what if I am late?", "When is the project due if I am late?"),
    ],
)
def test_a_place_or_condition_goes_to_the_end_of_the_question_before(
    before: str, follow_up: str, expected: str
) -> None:
    assert standalone_question(follow_up, talk(before, "27"), never) == expected


@pytest.mark.parametrize("follow_up", ["In that case?", "And for whom?", "For example?", "And in the second one?"])
def test_a_phrase_that_names_no_value_is_put_nowhere(follow_up: str) -> None:
    assert standalone_question(follow_up, talk(FULL_TIME, "27")) == f"{FULL_TIME} {follow_up}"


def test_what_the_model_cannot_place_is_asked_for() -> None:
    history = talk("What is the price?", "20.")
    rewrite = model_rewriter(ScriptedGenerator("What is the price in 2030?"))
    assert standalone_question("What about contractors?", history, rewrite) == "What is the price for contractors?"


@pytest.mark.parametrize(
    ("before", "follow_up", "expected"),
    [
        (FULL_TIME, "Can I carry them over?", "Can I carry annual leave over?"),
        (FULL_TIME, "When does it expire?", "When does annual leave expire?"),
        ("What is the warranty on the Otter 3?", "how much does it cost?", "how much does the Otter 3 cost?"),
        ("What is the warranty on the Otter 3?", "What does it cover?", "What does the warranty on the Otter 3 cover?"),
        ("When will the oven be delivered?", "Why was it delayed?", "Why was the oven delayed?"),
        ("What colour are the tiles?", "How big are they?", "How big are the tiles?"),
        ("Where is the head office?", "Who runs it?", "Who runs the head office?"),
        ("Can I take the laptop home?", "Must I insure it?", "Must I insure the laptop?"),
        ("Who approves overtime?", "Is it paid?", "Is overtime paid?"),
        ("Who is the owner of the leave policy?", "When was it changed?", "When was the leave policy changed?"),
        ("What does gzip -9 do?", "Is it slow?", "Is gzip -9 slow?"),
        ("Does the Lapwing measure snow?", "What is its weight?", "What is the Lapwing's weight?"),
        ("What is a sluice?", "And how is it built?", "How is a sluice built?"),
    ],
)
def test_a_pronoun_is_what_the_question_before_was_about(before: str, follow_up: str, expected: str) -> None:
    assert standalone_question(follow_up, talk(before, "27"), never) == expected


@pytest.mark.parametrize(
    ("before", "follow_up"),
    [
        ("Which supplier delivers the lithium packs?", "How many did they deliver?"),
        ("Which plan has mail support?", "How much does it cost?"),
        ("What are the anchor days?", "Is it paid?"),
        (FULL_TIME, "Can they carry it over?"),
        (FULL_TIME, "Do they expire?"),
        (FULL_TIME, "Is it true?"),
    ],
)
def test_a_pronoun_for_what_the_form_does_not_show_is_not_guessed(before: str, follow_up: str) -> None:
    assert standalone_question(follow_up, talk(before, "27")) == f"{before} {follow_up}"


def test_a_chain_of_follow_ups_keeps_what_each_one_meant() -> None:
    history = talk(FULL_TIME, "27", "And in Lindhafen?", "30", "Can I carry them over?", "Up to 5.")
    assert standalone_question("What if I was ill?", history, never) == "Can I carry annual leave over if I was ill?"


def test_what_asks_on_is_never_searched_for_alone() -> None:
    assert standalone_question("are you sure?", LEAVE) == f"{LEAVE[0].content} are you sure?"
    assert standalone_question("Give me an example", LEAVE) == f"{LEAVE[0].content} Give me an example"


def test_a_message_that_asked_nothing_is_nothing_to_lean_on() -> None:
    history = talk("Hi", REPLIES["greeting"], "Who?", REPLIES["unclear"])
    assert not has_asked(history)
    assert standalone_question("And then?", history, never) == "And then?"
    assert has_asked([*history, *LEAVE])


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is his phone number?", "What is Olav Dahl's phone number?"),
        ("When did he start?", "When did Olav Dahl start?"),
        ("Who works for her?", "Who works for Olav Dahl?"),
        ("What is her phone number?", "What is Olav Dahl's phone number?"),
    ],
)
def test_a_pronoun_is_the_one_person_of_the_last_answer(question: str, expected: str) -> None:
    history = talk("Who leads finance?", "The head of finance is Olav Dahl. [1]")
    assert standalone_question(question, history, never) == expected


def test_a_pronoun_for_one_of_two_people_is_not_guessed() -> None:
    history = talk("Who leads finance?", "Olav Dahl and Anna Berg. [1]")
    assert standalone_question("When did he start?", history) == "Who leads finance? When did he start?"


@pytest.mark.parametrize("before", ["Where did Anna Berg study?", "Who is Anna Berg?", "Who were her teachers?"])
def test_a_name_that_answers_no_question_for_a_person_is_not_put_for_one(before: str) -> None:
    history = talk(before, "In Oslo, at Hunter College.")
    assert standalone_question("When did she leave?", history) == f"{before} When did she leave?"


def test_a_faithful_rewrite_of_the_model_is_taken() -> None:
    rewrite = model_rewriter(ScriptedGenerator("Can annual leave be sold back to the company?\nYes, it can."))
    history = talk("How many days of annual leave do employees have?", "25 days, says the company. [1]")
    expected = "Can annual leave be sold back to the company?"
    assert standalone_question("Can that be sold back to the company?", history, rewrite) == expected


def test_an_invented_rewrite_gives_way_to_the_joined_questions() -> None:
    rewrite = model_rewriter(ScriptedGenerator("Can the 30 days of annual leave of managers be sold?"))
    expected = "How many days of annual leave do employees have? Can that be sold?"
    assert standalone_question("Can that be sold?", LEAVE, rewrite) == expected


@pytest.mark.parametrize(
    "rewrite",
    [
        "Can leave be sold",
        "Can leave\nbe sold?",
        "Can annual leave be kept?",
        "Can 30 days of leave be sold?",
        "Can leave be sold in Norway?",
        "Can it be sold?",
        "Can leave be sold " + "and leave " * 60 + "be sold?",
    ],
)
def test_a_rewrite_with_anything_wrong_is_not_faithful(rewrite: str) -> None:
    assert not is_faithful(rewrite, "Can it be sold?", LEAVE)


def test_a_rewrite_may_say_what_something_else_is_other_than() -> None:
    history = talk("Which plan has mail support?", "The Brook plan. [1]")
    assert is_faithful("Besides the Brook plan, which other plan has mail support?", "Which other plan?", history)


def test_what_a_reference_says_may_be_replaced_by_what_it_means() -> None:
    history = talk("Which plans are there?", "The Brook plan and the River plan.")
    assert is_faithful("How much is the River plan?", "How much is the second one?", history)


def test_the_model_is_shown_as_many_last_turns_as_it_can_read() -> None:
    generator = ScriptedGenerator("What?")
    generator.context_tokens = REWRITE_TOKENS + 60
    model_rewriter(generator)("Can it be sold?", talk("word " * 30, "word " * 30, "How many days?", "25."))
    task = generator.prompts[0][-1].content
    assert "A: 25." in task
    assert task.count("word") <= 30
    assert generator.count_tokens(generator.prompts[0]) <= 60


def test_a_question_too_long_for_the_model_is_not_given_to_it() -> None:
    generator = ScriptedGenerator("What?")
    assert model_rewriter(generator)("it " * generator.context_tokens, LEAVE) == ""
    assert generator.prompts == []


@pytest.mark.parametrize(("faithful", "bound"), [(True, True), (False, False)])
def test_a_rewrite_is_bound_to_the_conversations_names_and_numbers(faithful: bool, bound: bool) -> None:
    generator = ScriptedGenerator("Q: What is annual leave?")
    assert model_rewriter(generator, faithful=faithful)("What is it?", LEAVE) == "What is annual leave?"
    known = generator.decodings[0].faithful_to
    assert ("25 days" in (known or "")) is bound
