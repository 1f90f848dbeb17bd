"""A message is split into questions where its form is certain, and each of them says what it is about."""

import pytest

from rag_app.answering.questions import split_questions, understood_questions
from rag_app.records import Message


@pytest.mark.parametrize(
    ("message", "questions"),
    [
        (
            "How many good samples does the filter need in its window, and what happens with fewer?",
            [
                "How many good samples does the filter need in its window?",
                "What happens with fewer good samples?",
            ],
        ),
        ("What does the HR20 cost and who approves it?", ["What does the HR20 cost?", "Who approves the HR20?"]),
        ("What is the HR20? How much does it cost?", ["What is the HR20?", "How much does the HR20 cost?"]),
        (
            "What is the warranty of the HR20 and what is its range?",
            ["What is the warranty of the HR20?", "What is the HR20's range?"],
        ),
        (
            "How long is the warranty and what does it cover?",
            ["How long is the warranty?", "What does the warranty cover?"],
        ),
        (
            "What is the price of the HR20, who sells it and where is it made?",
            ["What is the price of the HR20?", "Who sells the HR20?", "Where is the HR20 made?"],
        ),
        ("When and where is the annual meeting?", ["When is the annual meeting?", "Where is the annual meeting?"]),
        ("When was the bridge closed, and why?", ["When was the bridge closed?", "Why was the bridge closed?"]),
        ("Is the pool closed, and for how long?", ["Is the pool closed?", "For how long is the pool closed?"]),
        (
            "How do I apply for parental leave and what documents are needed?",
            ["How do I apply for parental leave?", "What documents are needed to apply for parental leave?"],
        ),
        (
            "Can I work from home and do I need approval?",
            ["Can I work from home?", "Do I need approval to work from home?"],
        ),
        (
            "How many days of leave do I get and who approves?",
            ["How many days of leave do I get?", "Who approves leave?"],
        ),
        (
            "What is a mutable variable and how do I declare one?",
            ["What is a mutable variable?", "How do I declare a mutable variable?"],
        ),
        ("What are profiles and which ones are built in?", ["What are profiles?", "Which profiles are built in?"]),
        (
            "How much is the per diem in Norway and how much is it in Sweden?",
            ["How much is the per diem in Norway?", "How much is the per diem in Sweden?"],
        ),
        (
            "What should I do and who should I tell if I lose my badge?",
            ["What should I do if I lose my badge?", "Who should I tell if I lose my badge?"],
        ),
        (
            "If I lose my badge, what do I do and who do I tell?",
            ["If I lose my badge, what do I do?", "If I lose my badge, who do I tell?"],
        ),
        (
            "I woke up with a fever. What do I have to do and who do I call?",
            ["I woke up with a fever. What do I have to do?", "I woke up with a fever. Who do I call?"],
        ),
        (
            "Do you know what the sensor costs and who approves it?",
            ["Do you know what the sensor costs?", "Do you know who approves the sensor?"],
        ),
        ("When does the canteen open and where do I park?", ["When does the canteen open?", "Where do I park?"]),
    ],
)
def test_a_message_with_several_questions_is_split_into_questions_that_stand_alone(
    message: str, questions: list[str]
) -> None:
    assert list(split_questions(message)) == questions


@pytest.mark.parametrize(
    "message",
    [
        "Where are the Skerryhaven and Marrowby offices?",
        "What is the distance between the office and the station?",
        "What is the difference between how gzip works and how xz works?",
        "I woke up with a fever. What do I have to do?",
        "How do I save and restore a stash?",
        "Who is the person who signs and who pays?",
        "What do I do when the alarm rings and when the door is shut?",
        "Is it free or do I pay?",
        "Can you help me? How do I reset my password?",
        "How do I reset my password? Any ideas?",
        "How many days may be worked remotely, and what equipment is provided?",
        "Which file holds the table, and what do its six fields mean?",
        "What happens if I am ill and miss the deadline?",
        "What is the per diem?",
    ],
)
def test_a_message_stays_whole_where_it_asks_one_thing_or_its_parts_cannot_be_told(message: str) -> None:
    assert split_questions(message) == (message,)


def test_a_first_question_that_leans_on_the_conversation_is_made_whole_before_the_second_takes_its_subject() -> None:
    history = [Message("user", "What does the HR20 weigh?"), Message("assistant", "It weighs 80 g.")]
    assert understood_questions("What does it cost and who approves it?", history) == (
        "What does the HR20 cost?",
        "Who approves the HR20?",
    )
    assert understood_questions("Hi, what does the HR10 cost and who approves it?", history) == (
        "what does the HR10 cost?".capitalize().replace("hr10", "HR10"),
        "Who approves the HR10?",
    )
