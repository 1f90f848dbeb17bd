"""A question for the whole of a document is answered with its own sentences, one from each section."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag_app.answering.assistant import ALL_PARTS, Assistant, Limits
from rag_app.answering.naming import MOST_DOCUMENTS, Overview, asked_overview, find_named, named_documents
from rag_app.answering.overview import MOST_SENTENCES, tell_overview
from rag_app.answering.parts import Parts
from rag_app.assembly import Application
from rag_app.records import Answer, Chunk, Document, Passage
from tests.fakes import FakeEmbedder, ListLibrary, WordEvidence, make_passages


@pytest.mark.parametrize(
    ("question", "topic", "sentences"),
    [
        ("Summarise the travel policy", "the travel policy", None),
        ("Please summarize travel-policy.md!", "travel-policy.md", None),
        ("Can you give me a short summary of the leave policy, please?", "the leave policy", None),
        ("Could you sum up the handbook in three sentences?", "the handbook", 3),
        ("I'd like an overview of our benefits in 5 bullet points", "our benefits", 5),
        ("Summarise “Benefits at a glance” in 40 points", "Benefits at a glance", MOST_SENTENCES),
        ("What are the main points of the security policy?", "the security policy", None),
        ("What's the gist of the press release?", "the press release", None),
        ("key takeaways from the minutes", "the minutes", None),
        ("What is the code of conduct about?", "the code of conduct", None),
        ("What topics does the glossary cover?", "the glossary", None),
        ("What does the travel policy say?", "the travel policy", None),
        ("Tell me about the backup policy", "the backup policy", None),
        ("tl;dr release notes", "release notes", None),
        ("travel policy summary", "travel policy", None),
    ],
)
def test_a_request_for_an_overview_is_known_by_its_form(question: str, topic: str, sentences: int | None) -> None:
    assert asked_overview(question) == Overview(question, topic, sentences)


@pytest.mark.parametrize(
    "question",
    [
        "What does the warranty cover?",
        "What does the contract cost?",
        "Tell me about Ingrid Marr",
        "Explain the bonus",
        "How many days of leave are there?",
        "Who writes the summary of the minutes?",
        "What is the deadline about which the manager must be told by Friday?",
        "When was the overview published?",
        "Who is one of the authors of the annual summary?",
    ],
)
def test_a_question_for_a_fact_asks_for_no_overview(question: str) -> None:
    assert asked_overview(question) is None


def named_as(*names: tuple[str, str]) -> list[Document]:
    template = make_passages("x")[0].document
    return [replace(template, id=n, name=name, title=title) for n, (name, title) in enumerate(names, start=1)]


SHELF = named_as(
    ("finance/travel-policy.md", "Travel policy"),
    ("archive/travel-rules-2022.txt", "travel rules 2022"),
    ("hr/employee-handbook.pdf", "Employee handbook"),
    ("hr/pension.md", "Pension"),
    ("company/minutes-2026-02.txt", "minutes 2026 02"),
    ("company/minutes-2026-03.txt", "minutes 2026 03"),
)


@pytest.mark.parametrize(
    ("topic", "names"),
    [
        ("the travel policy", ["finance/travel-policy.md"]),
        ("travel-policy.md", ["finance/travel-policy.md"]),
        ("Employee Handbook", ["hr/employee-handbook.pdf"]),
        ("our handbook", ["hr/employee-handbook.pdf"]),
        ("the document called pension", ["hr/pension.md"]),
        ("the pension policy", ["hr/pension.md"]),
        ("the pension contract", []),
        ("the minutes", ["company/minutes-2026-02.txt", "company/minutes-2026-03.txt"]),
        ("travel", ["finance/travel-policy.md"]),
        ("the moon landing", []),
        ("this document", []),
        ("all documents", [d.name for d in SHELF if "archive" not in d.name]),
    ],
)
def test_documents_are_named_by_title_or_file_name(topic: str, names: list[str]) -> None:
    found = named_documents(Overview(f"Summarise {topic}", topic), SHELF)
    assert [document.name for document in found] == names


def test_what_is_superseded_is_told_only_where_it_is_asked_for() -> None:
    found = named_documents(Overview("Summarise the old travel rules", "the old travel rules"), SHELF)
    assert [document.name for document in found] == ["archive/travel-rules-2022.txt"]


def test_one_document_alone_is_meant_by_this_document_and_too_many_by_none() -> None:
    this = Overview("Summarise this document", "this document")
    assert named_documents(this, SHELF[:1]) == SHELF[:1]
    many = named_as(*((f"minutes-{n}.txt", f"Minutes {n}") for n in range(MOST_DOCUMENTS + 1)))
    assert named_documents(Overview("Summarise the minutes", "the minutes"), many) == []
    assert named_documents(Overview("Summarise all documents", "all documents"), many) == []


SECTIONS = {
    "Shop": "Shop rules\n\nVersion 4 of May 2026. The shop sells tools and lends machines to members.",
    "Opening": "Opening\n\nThe shop opens at nine on every working day. It closes at five.",
    "Machines": (
        "Machines\n\nA machine is lent for two days. A machine that comes back late costs a fee for each day. "
        "Members book a machine at the counter. They bring the card."
    ),
    "Prices": "Prices\n\nItem: Saw; Price: 4\nItem: Drill; Price: 6",
}


def make_shop(*, name: str = "shop.md", title: str = "Shop rules", number: int = 1) -> list[Passage]:
    base = make_passages(*SECTIONS.values(), title=title)
    document = replace(base[0].document, id=number, name=name)
    return [
        replace(p, document=document, chunk=replace(p.chunk, id=100 * number + p.rank, document_id=number, heading=h))
        for p, h in zip(base, (f"{title} > {heading}" for heading in SECTIONS), strict=True)
    ]


def ask(question: str, *passages: Passage, parts: Parts = ALL_PARTS) -> Answer:
    library = ListLibrary(passages or make_shop())
    assistant = Assistant(
        library, FakeEmbedder(), evidence=WordEvidence(), generator=None, limits=Limits(threshold=0.4), parts=parts
    )
    return assistant.ask(question).answer


def test_each_section_is_quoted_with_a_citation_of_its_own() -> None:
    answer = ask("Summarise the shop rules.")
    assert answer.note == "“Shop rules” in its own words, from each of 3 sections."
    assert answer.text.startswith(answer.note)
    assert {s.status for s in answer.sentences} == {"quoted"}
    assert [c.quote for c in answer.citations] == [s.text for s in answer.sentences]
    assert [c.heading for c in answer.citations] == [f"Shop rules > {h}" for h in ("Shop", "Opening", "Machines")]
    assert answer.sentences[0].text == "The shop sells tools and lends machines to members."
    assert not any("They bring" in s.text or "It closes" in s.text or "Item" in s.text for s in answer.sentences)
    document = "\n\n".join(SECTIONS.values())
    assert all(document[c.start : c.end] == c.quote for c in answer.citations)
    assert {p.chunk.heading for p in answer.passages} == {c.heading for c in answer.citations}
    assert answer.trace is not None


def test_as_many_sentences_are_quoted_as_are_asked_for() -> None:
    assert len(ask("Summarise the shop rules in two sentences.").sentences) == 2
    assert len(ask("Summarise the shop rules in five sentences.").sentences) == 5


def test_a_section_is_told_by_its_heading() -> None:
    answer = ask("Give me an overview of the section on machines.")
    assert answer.note == "“Machines” in “Shop rules”, in its own words."
    assert {c.heading for c in answer.citations} == {"Shop rules > Machines"}
    assert len(answer.sentences) == 3


def test_several_documents_of_one_name_are_told_together() -> None:
    answer = ask("Summarise the shop rules.", *make_shop(), *make_shop(name="old/shop.md", number=2))
    assert answer.note == "“Shop rules” and “Shop rules” in their own words."
    assert {c.document.id for c in answer.citations} == {1, 2}


def test_an_overview_of_what_is_superseded_says_so() -> None:
    answer = ask("Summarise the old shop rules.", *make_shop(name="archive/shop.md"))
    assert answer.note is not None
    assert answer.note.endswith("This is from a document that says it is superseded.")


def test_what_names_nothing_is_searched_for_like_any_other_question() -> None:
    assert ask("Summarise the moon landing.").abstained
    without = ask("Summarise the shop rules.", parts=Parts(overviews=False))
    assert without.note is None


def test_a_table_alone_has_nothing_to_tell() -> None:
    table = make_passages(SECTIONS["Prices"], title="Prices")
    wish = Overview("Summarise the prices", "the prices")
    assert find_named(wish, [], FakeShelf(table)) is not None
    assert tell_overview(wish, [], FakeShelf(table), FakeEmbedder()) is None


def test_overlapping_chunks_and_long_documents_are_told_once_and_in_order() -> None:
    texts = [
        f"Chapter {n} tells of subject {n} and its {n} parts. Shared words end the chapter here." for n in range(40)
    ]
    passages = make_passages(*texts, title="Long book")
    doubled = [p for passage in passages for p in (passage, replace(passage, chunk=replace(passage.chunk, ordinal=99)))]
    told = tell_overview(Overview("Summarise it", "Long book"), [], FakeShelf(doubled), FakeEmbedder())
    assert told is not None
    starts = [window.start for window in told.windows]
    assert len(set(starts)) == MOST_SENTENCES
    assert starts == sorted(starts)


class FakeShelf:
    """Passages as the documents that they are of."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._library = ListLibrary(passages)
        self._chunks = [passage.chunk for passage in passages]

    def documents(self) -> list[Document]:
        return self._library.documents()

    def chunks(self, document_id: int) -> list[Chunk]:
        return [chunk for chunk in self._chunks if chunk.document_id == document_id]


def test_every_document_of_the_sample_is_told_by_its_title(handbook: Application) -> None:
    assistant = handbook.assistant
    telling = 0
    for document in handbook.library.documents():
        answer = assistant.ask(f"Summarise {document.title}").answer
        if (answer.note or "").count("own words"):
            telling += 1
            assert document.id in {c.document.id for c in answer.citations}, document.name
            text = handbook.library.text(document.id)
            assert all(text[c.start : c.end] == c.quote for c in answer.citations if c.document.id == document.id)
    assert telling >= 58


def test_the_sample_s_travel_policy_is_told_section_by_section(handbook: Application) -> None:
    answer = handbook.assistant.ask("What is the travel policy about?").answer
    assert {c.document.name for c in answer.citations} == {"finance/travel-policy.md"}
    assert len({c.heading for c in answer.citations}) == len(answer.sentences) >= 6
    assert not any(s.text.startswith("Version of") for s in answer.sentences)
