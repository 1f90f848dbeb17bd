"""The assistant answers from the documents, abstains where they are silent, and searches for no greeting."""

from dataclasses import replace

import pytest

from rag_app.answering.assistant import Assistant, Limits
from rag_app.answering.confidence import Belief
from rag_app.answering.contradiction import DISAGREE, SUPERSEDED_DISAGREES
from rag_app.answering.parts import Parts
from rag_app.answering.prompting import SILENCE
from rag_app.answering.reply import ABSTENTION, EMPTY
from rag_app.answering.small_talk import REPLIES, SmallTalk
from rag_app.errors import QuestionError
from rag_app.records import Answer, Message
from tests.assistants import CARRY, ask, make_assistant
from tests.fakes import FakeEmbedder, ListLibrary, ScriptedGenerator, WordEvidence, make_passages


def test_weak_evidence_is_answered_by_abstaining_and_shows_what_came_closest() -> None:
    answer = ask("What is the wifi password?", "The wifi password is 123456.")
    assert answer.abstained
    assert answer.text == ABSTENTION
    assert answer.citations == ()
    assert answer.short_answer is None
    assert len(answer.passages) == 2


def test_an_empty_library_is_said_to_be_empty() -> None:
    answer = make_assistant("Anything.", texts=()).ask("What is the wifi password?").answer
    assert answer.abstained
    assert answer.text == EMPTY


def test_a_follow_up_is_searched_with_what_it_leans_on() -> None:
    history = [Message("user", "How many days of annual leave do employees have?"), Message("assistant", "25 days.")]
    answer = ask("Can it be carried over?", history=history)
    assert answer.standalone_question == "Can annual leave be carried over?"


def test_a_message_that_names_nothing_is_no_question_until_something_was_asked() -> None:
    for message in ("who", "Why?", "What is it?", "yes"):
        answer = ask(message)
        assert answer.text == REPLIES["unclear"]
        assert (answer.citations, answer.passages) == ((), ())
    history = [Message("user", "Why are dogs not allowed?"), Message("assistant", "Because of the cat.")]
    assert ask("Why?", history=history).text != REPLIES["unclear"]


def test_a_superseded_document_comes_after_the_one_in_force() -> None:
    old = make_passages("Up to 5 days of leave may be carried over.", title="Leave policy 2019 (superseded)")
    new = make_passages("Up to 10 days of leave may be carried over.", title="Leave policy")
    library = ListLibrary([old[0], replace(new[0], chunk=replace(new[0].chunk, id=2))])
    assistant = Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=None)
    assert "10 days" in assistant.ask(CARRY).answer.text


@pytest.mark.parametrize("question", ["", "   \n"])
def test_an_empty_question_is_refused_with_a_remedy(question: str) -> None:
    with pytest.raises(QuestionError, match="Ask in a sentence"):
        make_assistant().ask(question)


def test_a_question_of_100_000_characters_is_refused_and_named() -> None:
    with pytest.raises(QuestionError, match="100,000 characters; at most 4,000"):
        make_assistant().ask("x" * 100_000)


@pytest.mark.parametrize(
    ("said", "kind"), [("Hi there!", "greeting"), ("Thanks!", "thanks"), ("Bye", "farewell"), ("Who are you?", "about")]
)
def test_small_talk_is_answered_without_a_search(said: str, kind: SmallTalk) -> None:
    answer = make_assistant("Hi.", texts=()).ask(said).answer
    assert answer.text == REPLIES[kind]
    assert (answer.kind, answer.abstained, answer.short_answer) == ("small_talk", False, None)
    assert not (answer.sentences or answer.citations or answer.passages)
    assert answer.to_json()["kind"] == "small_talk"


def test_a_question_after_a_greeting_is_answered() -> None:
    answer = ask(f"Hi! {CARRY}")
    assert (answer.kind, answer.standalone_question) == ("answer", CARRY)
    assert "10 days" in answer.text


def test_a_follow_up_is_rewritten_by_the_generator_before_it_writes() -> None:
    history = [Message("user", "What do you know about annual leave?"), Message("assistant", "Much about leave.")]
    lines = (CARRY, "Up to 10 days of leave may be carried over.")
    answer = ask("How many days of it may be carried over?", *lines, history=history)
    assert answer.standalone_question == lines[0]
    assert [s.text for s in answer.sentences] == [lines[1]]


def versions(*titles: str) -> ListLibrary:
    """Return a library of documents with these titles: 5 days may be carried over, then 6, then 7."""
    passages = []
    for number, title in enumerate(titles, start=1):
        one = make_passages(
            f"Up to {number + 4} days of leave may be carried over.", title=title, names=[f"{title}.md"]
        )[0]
        document = replace(one.document, id=number)
        passages.append(replace(one, chunk=replace(one.chunk, id=number, document_id=number), document=document))
    return ListLibrary(passages)


def ask_of(library: ListLibrary, *lines: str) -> Answer:
    generator = ScriptedGenerator(*lines)
    return Assistant(library, FakeEmbedder(), evidence=WordEvidence(), generator=generator).ask(CARRY).answer


def test_two_versions_that_disagree_are_both_shown_the_newest_first() -> None:
    written = "Up to 6 days of leave may be carried over."
    answer = ask_of(versions("Leave policy 2023", "Leave policy 2024"), written)
    assert answer.disagreement
    assert answer.note == DISAGREE
    assert [(s.text, s.status, s.citations) for s in answer.sentences] == [
        (written, "supported", (1,)),
        ("Up to 5 days of leave may be carried over.", "quoted", (2,)),
    ]
    assert [c.document.title for c in answer.citations] == ["Leave policy 2024", "Leave policy 2023"]
    assert answer.text.startswith(f"{DISAGREE} {written} [1]")
    assert answer.to_json()["disagreement"] is True


def test_the_value_of_the_older_version_cannot_slip_into_the_newers_sentence() -> None:
    answer = ask_of(versions("Leave policy 2023", "Leave policy 2024"), "Up to 5 days of leave may be carried over.")
    assert [s.status for s in answer.sentences] == ["quoted", "quoted"]
    assert "6 days" in answer.sentences[0].text


def test_a_superseded_version_is_shown_second_and_said_to_be_so() -> None:
    answer = ask_of(versions("Leave policy 2026 (superseded)", "Leave policy"))
    assert answer.note == SUPERSEDED_DISAGREES
    assert ["6 days" in s.text for s in answer.sentences] == [True, False]


def test_an_answer_that_is_withheld_says_nothing_of_a_disagreement() -> None:
    assistant = Assistant(
        versions("Leave policy 2023", "Leave policy 2024"),
        FakeEmbedder(),
        evidence=WordEvidence(),
        generator=ScriptedGenerator(SILENCE),
        belief=Belief(evidence=0.2, silence=-1.0, certainty=0.0, agreement=0.0, bias=0.0),
        limits=Limits(threshold=0.6),
    )
    answer = assistant.ask(CARRY).answer
    assert answer.abstained
    assert (answer.disagreement, answer.note) == (False, None)


def test_versions_that_agree_are_no_disagreement() -> None:
    library = versions("Leave policy 2023")
    answer = ask_of(library)
    assert (answer.disagreement, answer.note) == (False, None)
    assert len(answer.sentences) == 1


def parted(parts: Parts, *lines: str, question: str = CARRY) -> tuple[Answer, ScriptedGenerator]:
    """Return an answer made with some parts switched off, and the generator that wrote it."""
    generator = ScriptedGenerator(*lines)
    texts = ("Nothing is said here of it.", "Up to 10 days of leave may be carried over.")
    library = ListLibrary(make_passages(*texts))
    limits = Limits(threshold=0.9)
    assistant = Assistant(
        library, FakeEmbedder(), evidence=WordEvidence(), generator=generator, limits=limits, parts=parts
    )
    return assistant.ask(question).answer, generator


def test_without_the_generator_nothing_is_written() -> None:
    answer, generator = parted(Parts(generator=False), "Up to 10 days of leave may be carried over.")
    assert answer.sentences[0].status == "quoted"
    assert generator.prompts == []
    assert answer.models["generator"] == "none"


def test_without_reranking_passages_keep_the_order_of_the_search() -> None:
    assert [p.chunk.id for p in parted(Parts())[0].passages] == [2, 1]
    answer, _ = parted(Parts(rerank=False))
    assert [(p.rank, p.chunk.id) for p in answer.passages] == [(1, 1), (2, 2)]
    assert answer.abstained


def test_without_abstention_the_best_there_is_is_shown() -> None:
    question = "What is the wifi password?"
    assert parted(Parts(), question=question)[0].abstained
    assert not parted(Parts(abstention=False), question=question)[0].abstained


def test_decoding_follows_its_switches() -> None:
    usual = parted(Parts())[1].decodings[0]
    assert "Up to 10 days" in str(usual.faithful_to)
    assert CARRY in str(usual.faithful_to)
    assert (usual.lookup, usual.contrast, usual.without) == (True, 0.0, None)
    other = parted(Parts(faithful=False, lookup=False, contrast=True))[1].decodings[0]
    assert (other.faithful_to, other.lookup) == (None, False)
    assert other.contrast > 0
    assert other.without
    assert "Up to 10 days" not in other.without[-1].content
