"""Of what a generator writes, only what a passage supports and what answers is shown, each with its span."""

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.parts import Parts
from rag_app.answering.writing import agreement, holds_answer
from tests.assistants import CARRY, TEXTS, ask, make_assistant
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages


def test_a_supported_sentence_is_shown_with_the_span_that_bears_it() -> None:
    answer = ask(CARRY, "Up to 10 days of leave may be carried over to next year.")
    assert [s.status for s in answer.sentences] == ["supported"]
    assert answer.text.endswith("[1]")
    assert answer.citations[0].quote == "Up to 10 days of leave may be carried over to the next year."
    whole = "\n\n".join(TEXTS)
    assert whole[answer.citations[0].start : answer.citations[0].end] == answer.citations[0].quote


def test_an_invented_sentence_gives_way_to_a_quote() -> None:
    answer = ask(CARRY, "You may carry over 99 days of leave.")
    assert [s.status for s in answer.sentences] == ["quoted"]
    assert answer.sentences[0].text == "Up to 10 days of leave may be carried over to the next year."
    assert "99" not in answer.text


def test_a_true_sentence_that_does_not_answer_gives_way_to_a_quote() -> None:
    answer = ask(CARRY, "The canteen opens at 11:30.")
    assert [s.status for s in answer.sentences] == ["quoted"]
    assert "canteen" not in answer.text


def test_marks_that_the_model_writes_are_not_trusted() -> None:
    answer = ask(CARRY, "Up to 10 days of leave may be carried over [7].")
    assert "[7]" not in answer.text
    assert answer.sentences[0].citations == (1,)


def test_a_yes_or_no_of_the_model_is_not_trusted() -> None:
    answer = ask("Are dogs allowed in the canteen?", "Yes, dogs are allowed in the canteen.")
    assert answer.text == "Dogs are not allowed in the canteen. [1]"


def test_a_repeating_model_is_cut_off() -> None:
    said = "Up to 10 days of leave may be carried over. " * 20
    assert len(ask(CARRY, said).sentences) == 1


def test_a_sentence_that_was_cut_off_is_not_shown() -> None:
    limits = Limits(threshold=0.9, answer_tokens=16)
    said = "Up to 10 days of leave may be carried over. Up to 10 days of leave may be carried over to the next year"
    answer = make_assistant(said, limits=limits).ask(CARRY).answer
    assert [s.text for s in answer.sentences] == ["Up to 10 days of leave may be carried over."]
    said = "Up to 10 days of leave may be carried over to the next year, but then they lapse in the next March"
    assert [s.status for s in make_assistant(said, limits=limits).ask(CARRY).answer.sentences] == ["quoted"]


def test_a_last_sentence_that_lacks_only_its_full_stop_gets_one() -> None:
    answer = ask(CARRY, "10 days\nUp to 10 days of leave may be carried over [1]")
    assert [(s.text, s.status) for s in answer.sentences] == [
        ("Up to 10 days of leave may be carried over.", "supported")
    ]


def test_a_no_that_carries_the_meaning_is_kept() -> None:
    texts = ("No dogs are allowed in the canteen.", "Dogs are welcome in the garden.")
    assistant = make_assistant("No dogs are allowed in the canteen.", texts=texts)
    answer = assistant.ask("Which dogs are allowed in the canteen?").answer
    assert answer.text == "No dogs are allowed in the canteen. [1]"
    assert answer.sentences[0].status == "supported"


def test_an_answer_is_held_by_a_sentence_with_its_numbers_and_words() -> None:
    assert holds_answer("You may keep ten days of leave.", "10 days")
    assert not holds_answer("You may keep 12 days of leave.", "10 days")
    assert not holds_answer("The canteen opens at noon.", "Anna Berg")


def test_a_sentence_without_support_is_shown_as_such_only_if_asked_and_last() -> None:
    said = "You may carry over 99 days of leave."
    limits = Limits(threshold=0.9, show_unsupported=True)
    answer = make_assistant(said, limits=limits).ask(CARRY).answer
    assert [(s.status, len(s.citations)) for s in answer.sentences] == [("quoted", 1), ("unsupported", 0)]
    assert answer.sentences[-1].text == said
    assert answer.text.endswith(f"{said} [not found in the documents]")
    assert "99" not in ask(CARRY, said).text


def test_a_supported_sentence_that_does_not_answer_is_not_called_unsupported() -> None:
    limits = Limits(threshold=0.9, show_unsupported=True)
    answer = make_assistant("Employees have 25 days of annual leave.", limits=limits).ask(CARRY).answer
    assert [s.status for s in answer.sentences] == ["quoted"]


def test_without_checks_a_sentence_is_shown_with_the_nearest_of_its_source() -> None:
    said = "You may carry over 99 days of leave."
    answer = make_assistant(said, parts=Parts(checks=False)).ask(CARRY).answer
    assert answer.text == f"{said} [1]"
    assert answer.citations[0].quote == "Up to 10 days of leave may be carried over to the next year."


def test_what_was_written_and_what_was_found_agree_by_their_own_words() -> None:
    assert agreement("10 days", "ten days", CARRY) == 1.0
    assert agreement("Up to 10 days of leave may be carried over.", "10", CARRY) == 1.0
    assert agreement("You may carry over 12 days.", "10", CARRY) == 0.0
    assert 0.5 < agreement("Anna Maria Berg", "Anna Berg", "Who leads?") < 1.0
    assert agreement("", "10", CARRY) == 0.0


def test_a_question_that_leaves_no_room_for_a_source_is_answered_by_a_quote() -> None:
    generator = ScriptedGenerator("10 days\nUp to 10 days of leave may be carried over. [1]")
    generator.context_tokens = 60
    assistant = Assistant(
        ListLibrary(make_passages(*TEXTS)), FakeEmbedder(), evidence=WordEvidence(), generator=generator
    )
    answer = assistant.ask(CARRY).answer
    assert generator.prompts == []
    assert [s.status for s in answer.sentences] == ["quoted"]
    assert "10 days" in answer.text


def test_line_breaks_before_the_first_line_are_not_it() -> None:
    answer = ask(CARRY, "\n\n10 days\nUp to 10 days of leave may be carried over. [1]")
    assert answer.short_answer == "10 days"


def test_a_blank_between_two_pieces_of_the_second_line_is_kept() -> None:
    # Pieces of seven characters: the second ends in the blank after "Up".
    answer = ask(CARRY, "10 days of\nUp to 10 days of leave may be carried over.")
    assert [s.status for s in answer.sentences] == ["supported"]


def test_a_first_line_of_a_mark_alone_is_no_short_answer() -> None:
    answer = ask(CARRY, "[1]\nUp to 10 days of leave may be carried over.")
    assert answer.short_answer
    assert [s.status for s in answer.sentences] == ["supported"]


def test_a_generator_that_writes_nothing_is_certain_of_nothing() -> None:
    answer = ask(CARRY, "")
    assert answer.signals["certainty"] == 0.0
    assert [s.status for s in answer.sentences] == ["quoted"]


def test_a_short_answer_is_found_as_a_whole_and_not_inside_another() -> None:
    texts = ("Leave may be carried over for 15 days of 2.5 years. Only 5 days of leave may be carried over.",)
    assistant = make_assistant("5 days\nOnly 5 days of leave may be carried over. [1]", texts=texts)
    answer = assistant.ask(CARRY).answer
    assert answer.short_answer == "5 days"
    assert answer.citations[0].quote == "Only 5 days of leave may be carried over."


def test_a_short_answer_is_not_found_in_the_label_of_a_column() -> None:
    texts = ("Product: Heron; Carried over 2024: 10 days; Leave: 3 weeks",)
    answer = make_assistant("2024\nLeave carried over 2024. [1]", texts=texts).ask(CARRY).answer
    assert answer.short_answer != "2024"


def test_a_lone_mark_does_not_end_the_answer() -> None:
    answer = ask(CARRY, "10 days\n[2]\nUp to 10 days of leave may be carried over to the next year. [1]")
    assert [s.status for s in answer.sentences] == ["supported"]


def test_a_fragment_is_no_sentence() -> None:
    answer = ask(CARRY, "10 days\n10 days. [1]")
    assert answer.short_answer == "10 days"
    assert [s.status for s in answer.sentences] == ["quoted"]
    assert answer.sentences[0].text == "Up to 10 days of leave may be carried over to the next year."


def test_the_bullet_of_a_list_is_no_part_of_a_sentence() -> None:
    answer = ask(CARRY, "10 days\n- Up to 10 days of leave may be carried over to the next year. [1]")
    assert answer.sentences[0].text == "Up to 10 days of leave may be carried over to the next year."
    assert answer.sentences[0].status == "supported"


def test_what_is_superseded_is_no_source_beside_what_is_not() -> None:
    texts = (
        "Up to 10 days of leave may be carried over.",
        "Sailors and cooks of the fleet: 3 days leave carried over.",
    )
    said = "3 days\nSailors and cooks of the fleet: 3 days leave carried over."
    for name, expected in (("archive/leave-2023.md", "10 days"), ("leave-at-sea.md", "3 days")):
        library = ListLibrary(make_passages(*texts, names=("leave.md", name)))
        generator, limits = ScriptedGenerator(said), Limits(threshold=0)
        assistant = Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits)
        assert expected in assistant.ask("How many days of leave are carried over?").answer.text
