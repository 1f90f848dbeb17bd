"""Conversations that no small model would have, written beside a running page into its library."""

from dataclasses import replace
from pathlib import Path

from rag_app.library import Library
from rag_app.opening import open_library
from rag_app.records import Answer, Citation, Document, KeptTurn, Passage, Sentence
from rag_app.settings import load_settings


def library_of(home: Path) -> Library:
    """Open the library of a page from this process, which the page takes for another server."""
    return open_library(load_settings({"home": home}, {}))


def answer_of(library: Library, document: Document, *, sentences: int, question: str) -> Answer:
    """Return an answer that quotes the first so many chunks of a document, one in each sentence."""
    chunks = library.chunks(document.id)[:sentences]
    citations = tuple(
        Citation(number, document, chunk.page, chunk.heading, chunk.start, chunk.end, chunk.text)
        for number, chunk in enumerate(chunks, start=1)
    )
    quoted = tuple(Sentence(c.quote, "quoted", (c.number,)) for c in citations)
    return Answer(
        question=question,
        standalone_question=question,
        text=" ".join(sentence.marked() for sentence in quoted),
        short_answer=None,
        abstained=False,
        confidence=0.9,
        sentences=quoted,
        citations=citations,
        passages=tuple(Passage(n, 0.5, chunk, document) for n, chunk in enumerate(chunks, start=1)),
        models={},
        usage={},
        timings_ms={"retrieve": 1.0, "evidence": 1.0, "first_token": 1.0, "total": 2.0},
    )


def seed(library: Library, answer: Answer) -> KeptTurn:
    """Keep a conversation of one question with its whole answer."""
    turn = library.conversations.begin(answer.question)
    library.conversations.keep(turn.id, answer, state="answered")
    return turn


def grown(answer: Answer, sentences: int) -> Answer:
    """Return as much of an answer as is known after its first sentences."""
    return replace(answer, sentences=answer.sentences[:sentences], citations=answer.citations[:sentences])
