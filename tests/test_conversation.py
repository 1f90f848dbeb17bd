"""A question leans on the conversation when what it says cannot be understood from itself."""

import pytest

from rag_app.answering.conversation import is_bare_follow_up, needs_history, without_conjunction


@pytest.mark.parametrize(
    "question",
    [
        "Since when?",
        "Why?",
        "And for Sweden?",
        "In Norway?",
        "Sweden?",
        "How many days?",
        "What about the second one?",
        "What is the second?",
        "Which one is cheaper?",
        "Who else must sign?",
        "Do managers too?",
        "Tell me more",
        "What does that mean?",
        "Does that policy apply to interns?",
        "Do those expire?",
        "Is this paid?",
        "Who works there?",
        "Is it the same in Norway?",
        "Are there any other forms?",
        "Besides the Brook plan?",
        "Who approved it before the summer break?",
        "Can they be sold back to the company?",
        "Is the manager allowed to keep it?",
        "Can employees carry it over?",
        "How long does it take?",
        "Are you sure?",
        "Give me an example",
        "Can you give me an example?",
        "How do you know?",
        "How so?",
        "And then?",
        "And what is the price?",
        "And where do I apply?",
        "And do managers get more?",
        "And the Heron 40 with battery?",
        "But why is it late?",
        "What is his phone number?",
        "What was the name of her first project?",
    ],
)
def test_a_question_that_leans_on_what_went_before_needs_it(question: str) -> None:
    assert needs_history(question)


@pytest.mark.parametrize(
    "question",
    [
        "Who approves overtime in the laboratory?",
        "Who is CEO?",
        "Where is parking?",
        "Is overtime paid?",
        "minimum password length",
        "guest wifi password reset",
        "How to reset a password?",
        "How long is a laptop used before it is replaced?",
        "If an employee is sick, must they call?",
        "If leave is not taken, does it lapse?",
        "Can I take the laptop home and keep it?",
        "When does Anna leave her office?",
        "What does the company do with its waste?",
        "Who gets their bonus in March?",
        "Do those who work part time get leave?",
        "Is it possible to carry leave over?",
        "How long does it take to charge the battery?",
        "Is there a car park in Marrowby?",
        "Is it true that dogs are allowed?",
        "What happens this year with leave?",
        "Who is the person that approves trips?",
        "A supplier offers me tickets for a match. May I accept them?",
        "The lamp blinks yellow four times. What does that mean?",
        "Besides the Brook plan, which other plans have mail support?",
        "Combien de jours de congé avons-nous ?",
        "And what colour are the tiles?",
        "But is overtime paid?",
        "So, who is CEO?",
        "And in which year was the company founded?",
        "How do you know that a pump is on?",
        "Are you sure about the price?",
    ],
)
def test_a_question_that_says_what_it_means_stands_alone(question: str) -> None:
    assert not needs_history(question)


def test_marks_alone_need_nothing() -> None:
    assert not needs_history("?!")


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("And what colour are the tiles?", "What colour are the tiles?"),
        ("ok, so how long does the laptop last?", "how long does the laptop last?"),
        ("Also, who approves leave requests?", "Who approves leave requests?"),
        ("Yes, and is there a car park?", "Is there a car park?"),
        ("And in Lindhafen?", "And in Lindhafen?"),
        ("And how long does it last?", "And how long does it last?"),
        ("And what is the price?", "And what is the price?"),
        ("So far so good", "So far so good"),
        ("And", "And"),
        ("Who approves leave?", "Who approves leave?"),
    ],
)
def test_a_conjunction_is_dropped_only_before_what_says_all_that_it_means(question: str, alone: str) -> None:
    assert without_conjunction(question) == alone


@pytest.mark.parametrize(
    ("message", "bare"),
    [
        ("Why?", True),
        ("are you really sure?", True),
        ("Please give me some examples", True),
        ("But how do you know?", True),
        ("Why is the oven late?", False),
        ("Give me an example of a sluice", False),
        ("Are you sure about the price?", False),
    ],
)
def test_what_only_asks_on_names_nothing_of_its_own(message: str, bare: bool) -> None:
    assert is_bare_follow_up(message) is bare
