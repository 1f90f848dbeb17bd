"""A message of two questions gets both answers in one, and says which part the documents do not."""

from rag_app.answering.assistant import ALL_PARTS, Assistant, Limits
from rag_app.answering.parts import Parts
from rag_app.answering.reply import ABSTENTION, Stage
from rag_app.answering.several import ONLY_FIRST
from rag_app.records import Answer, Sentence
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages

TEXTS = (
    "The canteen opens at 11:30 and closes at 14:00. Dogs are not allowed in the canteen.",
    "The wifi password changes on Monday. Ann Reed keeps the wifi password.",
    "Bicycles are parked in the yard.",
)


def assistant(parts: Parts = ALL_PARTS) -> Assistant:
    return Assistant(
        ListLibrary(make_passages(*TEXTS)),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=None,
        limits=Limits(threshold=0.9),
        parts=parts,
    )


def ask(question: str) -> Answer:
    return assistant().ask(question).answer


def test_both_questions_are_answered_in_their_order_with_citations_of_their_own() -> None:
    answer = ask("When does the canteen close, and who keeps the wifi password?")
    assert [s.marked() for s in answer.sentences] == [
        "The canteen opens at 11:30 and closes at 14:00. [1]",
        "Ann Reed keeps the wifi password. [2]",
    ]
    assert [(c.number, c.quote) for c in answer.citations] == [
        (1, "The canteen opens at 11:30 and closes at 14:00."),
        (2, "Ann Reed keeps the wifi password."),
    ]
    assert answer.standalone_question == "When does the canteen close? Who keeps the wifi password?"
    assert (answer.note, answer.abstained) == (None, False)
    assert answer.confidence == 1.0
    assert [p.rank for p in answer.passages] == [1, 2, 3]
    assert answer.trace is not None
    assert [p.rank for p in answer.trace.passages] == [1, 2, 3]


def test_what_the_documents_do_not_say_is_named_and_the_other_part_answered() -> None:
    answer = ask("When does the canteen close, and who paints the fence?")
    assert [s.text for s in answer.sentences] == ["The canteen opens at 11:30 and closes at 14:00."]
    assert answer.note == "The documents do not say: “Who paints the fence?”"
    assert answer.text.startswith(answer.note)


def test_nothing_is_said_where_no_part_is_answered() -> None:
    answer = ask("Where is the sauna built, and who paints the fence?")
    assert (answer.abstained, answer.text, answer.note) == (True, ABSTENTION, None)
    assert answer.confidence < 0.9


def test_a_sentence_that_answers_both_is_said_once() -> None:
    answer = ask("When does the canteen open, and when does the canteen close?")
    assert [s.marked() for s in answer.sentences] == ["The canteen opens at 11:30 and closes at 14:00. [1]"]
    assert answer.note is None


def test_of_more_than_three_questions_the_first_three_are_answered_and_the_rest_named() -> None:
    answer = ask(
        "When does the canteen open? Who keeps the wifi password? Where are bicycles parked? "
        "When does the wifi password change?"
    )
    assert len(answer.sentences) == 3
    assert answer.note == ONLY_FIRST


def test_the_parts_come_one_after_another_and_the_second_is_not_begun_once_nobody_wants_it() -> None:
    reply = assistant().ask("When does the canteen close, and who keeps the wifi password?")
    events = list(reply)
    assert [type(e) for e in events if not isinstance(e, Stage) or e.name == "retrieving"] == [Stage, Sentence] * 2
    stopped = assistant().ask("When does the canteen close, and who keeps the wifi password?")
    for event in stopped:
        if isinstance(event, Sentence):
            stopped.stop()
    assert len(stopped.so_far.sentences) == 1


def test_without_this_part_the_message_is_one_question() -> None:
    whole = assistant(Parts(several=False)).ask("When does the canteen close, and who keeps the wifi password?").answer
    assert whole.standalone_question == "When does the canteen close, and who keeps the wifi password?"
    assert whole.abstained


def test_the_generator_reads_for_each_part() -> None:
    generator = ScriptedGenerator("14:00\nThe canteen closes at 14:00.", "Ann Reed\nAnn Reed keeps the wifi password.")
    told = Assistant(
        ListLibrary(make_passages(*TEXTS)), FakeEmbedder(), evidence=WordEvidence(), generator=generator
    ).ask("When does the canteen close, and who keeps the wifi password?")
    assert [s.marked() for s in told.answer.sentences] == [
        "The canteen closes at 14:00. [1]",
        "Ann Reed keeps the wifi password. [2]",
    ]
    assert told.answer.short_answer == "14:00; Ann Reed"
    assert len(generator.prompts) == 2
