"""What readers think of answers is kept with them, dies with them, and holds nothing of a removed document."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_app.errors import NotFound
from rag_app.evaluation.datasets import read_questions
from rag_app.json_lines import write_json_lines
from rag_app.library import Library
from rag_app.library.shared_words import RUN_WORDS, found_in, runs_of
from rag_app.records import REMOVED_MARK, Document, KeptTurn
from rag_app.records.feedback import Feedback
from tests.libraries import new_document, open_library, store
from tests.test_library_conversations import OTHER, SECRET, answer_from, declined_from


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return open_library(tmp_path)


def answered(library: Library, *documents: Document, question: str = "Where does the owl sleep?") -> KeptTurn:
    turn = library.conversations.begin(question)
    library.conversations.keep(turn.id, answer_from(library, *documents), state="answered")
    return turn


def declined(library: Library, *documents: Document, question: str = "Who rings the bell?") -> KeptTurn:
    turn = library.conversations.begin(question)
    library.conversations.keep(turn.id, declined_from(library, *documents, question=question), state="answered")
    return turn


def test_a_verdict_is_kept_changed_and_retracted(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        turn = answered(library, store(library, new_document("owl.md", SECRET)))
        assert library.feedback.of(turn.id) is None
        given_first = Feedback(turn.id, False, "wrong", " It is not the seventh. ", " the eighth stair ")
        library.feedback.give(given_first)
    with open_library(tmp_path) as library:
        kept = library.feedback.of(turn.id)
        assert kept == Feedback(
            turn.id, False, "wrong", "It is not the seventh.", "the eighth stair", given_first.given_at
        )
        library.feedback.give(Feedback(turn.id, True, "wrong", "words", "other"))
        changed = library.feedback.of(turn.id)
        assert changed
        assert (changed.helpful, changed.reason, changed.words, changed.correction) == (True, None, "", "")
        library.feedback.retract(turn.id)
        library.feedback.retract(turn.id)
        assert library.feedback.of(turn.id) is None


def test_only_a_whole_answer_can_be_judged(library: Library) -> None:
    turn = library.conversations.begin("Where?")
    for number in (turn.id, turn.id + 1):
        with pytest.raises(NotFound, match="no longer kept"):
            library.feedback.give(Feedback(number, True))


def test_feedback_dies_with_its_conversation_and_when_all_is_deleted(library: Library) -> None:
    owl = store(library, new_document("owl.md", SECRET))
    first, second, third = (answered(library, owl) for _ in range(3))
    for turn in (first, second, third):
        library.feedback.give(Feedback(turn.id, True))
    library.conversations.remove(first.conversation_id)
    library.conversations.remove(second.conversation_id)
    assert [judged.feedback.turn_id for judged in library.feedback.judged()] == [third.id]
    assert library.feedback.remove_all() == 1
    assert library.feedback.judged() == []
    assert library.conversations.turns(third.conversation_id)[0].answer is not None


def test_deleted_feedback_leaves_no_byte(tmp_path: Path) -> None:
    with open_library(tmp_path) as library:
        turn = answered(library, store(library, new_document("gate.md", OTHER)))
        library.feedback.give(Feedback(turn.id, False, "other", "The violet heron bathes."))
        library.feedback.remove_all()
        for file in tmp_path.glob("library.sqlite3*"):
            assert b"violet heron" not in file.read_bytes()


def test_words_of_a_removed_document_are_in_no_feedback_and_in_no_byte_of_the_files(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    gate = store(library, new_document("gate.md", OTHER))
    owl = store(library, new_document("owl.md", "It was older words: the copper toad hums."))
    owl = store(library, new_document("owl.md", SECRET, "Its keeper is Wenzeslaus."))
    drew, quoted, named, older, free = (
        answered(library, owl),
        declined(library, gate, question="Where is it?"),
        declined(library, gate, question="Who keeps it?"),
        declined(library, gate, question="What hums?"),
        declined(library, gate, question="When is it?"),
    )
    library.feedback.give(Feedback(drew.id, False, "wrong", "The bird lies elsewhere.", "in the attic"))
    library.feedback.give(Feedback(quoted.id, False, "should_have_known", correction="BELOW the seventh stair of, yes"))
    library.feedback.give(Feedback(named.id, False, "should_have_known", correction="Wenzeslaus"))
    library.feedback.give(Feedback(older.id, False, "should_have_known", correction="The copper toad hums"))
    library.feedback.give(Feedback(free.id, False, "other", "Until nine in the evening, said the porter."))

    library.remove(owl.id)

    kept = {turn.id: library.feedback.of(turn.id) for turn in (drew, quoted, named, older, free)}
    assert all(found and found.reason for found in kept.values())
    gone = {number: (found.words, found.correction) for number, found in kept.items() if found}
    assert gone.pop(free.id) == ("Until nine in the evening, said the porter.", "")
    assert set(gone.values()) == {(REMOVED_MARK, "")}
    library.close()
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes().lower()
            for words in (b"seventh stair", b"attic", b"wenzeslaus", b"copper toad"):
                assert words not in content, file


def test_words_that_another_document_has_too_stay_until_that_one_goes(library: Library) -> None:
    owl, copy = store(library, new_document("owl.md", SECRET)), store(library, new_document("copy.md", SECRET))
    turn = declined(library, store(library, new_document("gate.md", OTHER)))
    library.feedback.give(Feedback(turn.id, False, "should_have_known", correction="the amber owl sleeps below"))
    library.remove(owl.id)
    assert library.feedback.judged()[0].feedback.correction == "the amber owl sleeps below"
    library.remove(copy.id)
    assert library.feedback.judged()[0].feedback.correction == ""


def test_documents_that_are_removed_together_do_not_keep_each_others_words(library: Library) -> None:
    owl, copy = store(library, new_document("owl.md", SECRET)), store(library, new_document("copy.md", SECRET))
    turn = declined(library, store(library, new_document("gate.md", OTHER)))
    library.feedback.give(Feedback(turn.id, False, "should_have_known", correction="the amber owl sleeps below"))
    library.remove_many([owl.id, copy.id])
    assert library.feedback.judged()[0].feedback.correction == ""


def test_another_form_of_a_word_elsewhere_keeps_no_removed_word(library: Library) -> None:
    removed = store(library, new_document("owl.md", "The owl feeds with mice."))
    turn = declined(library, store(library, new_document("gate.md", "The owl feeding with mice.")))
    library.feedback.give(Feedback(turn.id, False, "should_have_known", correction="the owl feeds with mice"))
    library.remove(removed.id)
    assert library.feedback.judged()[0].feedback.correction == ""


def test_verdicts_become_the_rows_of_an_evaluation_that_its_reader_takes(library: Library, tmp_path: Path) -> None:
    owl, gate = store(library, new_document("owl.md", SECRET)), store(library, new_document("gate.md", OTHER))
    right, corrected, silent = (answered(library, owl, gate) for _ in range(3))
    known, rightly, vague, blamed = (
        declined(library, owl, gate, question="Until when are tickets sold?"),
        declined(library, owl),
        answered(library, owl),
        declined(library, owl),
    )
    library.feedback.give(Feedback(right.id, True))
    library.feedback.give(Feedback(corrected.id, False, "wrong", correction="below the seventh stair"))
    library.feedback.give(Feedback(silent.id, False, "should_be_silent"))
    library.feedback.give(Feedback(known.id, False, "should_have_known", correction="nine in the evening"))
    library.feedback.give(Feedback(rightly.id, True))
    library.feedback.give(Feedback(vague.id, False, "incomplete", "More, please."))
    library.feedback.give(Feedback(blamed.id, False, "should_have_known"))

    file = tmp_path / "feedback.jsonl"
    assert write_json_lines(file, library.feedback.evaluation_rows()) == 5
    rows = {question.id: question for question in read_questions(file)}
    assert {name: (row.answerable, row.answers) for name, row in rows.items()} == {
        f"feedback-{right.id}": (True, (SECRET[:20],)),
        f"feedback-{corrected.id}": (True, ("below the seventh stair",)),
        f"feedback-{silent.id}": (False, ()),
        f"feedback-{known.id}": (True, ("nine in the evening",)),
        f"feedback-{rightly.id}": (False, ()),
    }
    assert rows[f"feedback-{right.id}"].question == "Where does the amber owl sleep?"
    texts = [text.strip() for _, text in rows[f"feedback-{known.id}"].passages]
    assert texts == [SECRET, OTHER]
    assert rows[f"feedback-{known.id}"].gold == (1,)
    assert rows[f"feedback-{corrected.id}"].gold == (0,)
    assert rows[f"feedback-{right.id}"].passages[0][0] == "owl.md"


def test_an_answer_whose_document_was_removed_is_no_row(library: Library) -> None:
    owl, gate = store(library, new_document("owl.md", SECRET)), store(library, new_document("gate.md", OTHER))
    turn = answered(library, owl)
    library.feedback.give(Feedback(turn.id, True))
    library.feedback.give(Feedback(answered(library, gate).id, True))
    library.remove(owl.id)
    assert len(library.feedback.judged()) == 2
    assert [row["answers"] for row in library.feedback.evaluation_rows()] == [[OTHER[:20]]]


@given(st.lists(st.sampled_from(["alpha", "beta", "γ", "会"]), max_size=12), st.integers(0, 12), st.integers(1, 12))
def test_a_piece_of_a_text_is_found_in_it_however_it_is_written(words: list[str], start: int, length: int) -> None:
    piece = words[start : start + length]
    runs = runs_of("; ".join(piece).upper())
    assert bool(runs) == bool(piece)
    assert all(len(run) == min(len(piece), RUN_WORDS) for run in runs)
    assert found_in(["nothing", "\n".join(words)], runs) == runs
    assert found_in(["nothing"], runs) == set()
