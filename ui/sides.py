"""The two sides of an answer whose documents disagree: what each says, and how new it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from rag_app.answering.dates import told_age
from rag_app.records import Answer, Sentence


@dataclass(frozen=True, slots=True)
class Side:
    """What one document says, under its name and its age in words."""

    name: str
    age: str
    sentences: tuple[Sentence, ...]


def sides_of(answer: Answer, sentences: Sequence[Sentence] | None = None) -> list[Side]:
    """Return the sides of an answer, or of those of its ``sentences`` that are given, in the order of their words.

    There are none where no documents disagree, or where it is not known which one says a sentence, or how old it is.
    """
    sources = {citation.number: citation.document for citation in answer.citations}
    said: dict[int, list[Sentence]] = {}
    for sentence in (answer.sentences if sentences is None else sentences) if answer.disagreement else ():
        cited = next((sources[number].id for number in sentence.citations if number in sources), None)
        if cited is None:
            return []
        said.setdefault(cited, []).append(sentence)
    ages = {passage.document.id: (passage.document.name, told_age(passage)) for passage in reversed(answer.passages)}
    if not said.keys() <= ages.keys():
        return []
    return [Side(*ages[document], tuple(told)) for document, told in said.items()]
