"""Write the prompt: numbered sources, the question, and what to do when the sources are silent."""

from collections.abc import Callable, Sequence

from rag_app.records import Message, Passage

INSTRUCTION = (
    "Answer the question from the sources below and from nothing else. Write one or two short, complete sentences. "
    "Take numbers, dates and names exactly as they stand. If the sources do not contain the answer, write only: "
    "The sources do not say."
)


def build_prompt(
    question: str,
    passages: Sequence[Passage],
    *,
    count_tokens: Callable[[Sequence[Message]], int],
    budget_tokens: int,
) -> list[Message]:
    """Return the messages for a question: as many of the passages, best first, as fit ``budget_tokens``.

    When not even the best passage fits, it is cut at its end: what is checked later is the text in the library,
    so that a cut prompt can make an answer poorer but not wrong.
    """
    for count in range(len(passages), 0, -1):
        messages = _messages(question, [p.chunk.text for p in passages[:count]], passages[:count])
        if count_tokens(messages) <= budget_tokens:
            return messages
    text = passages[0].chunk.text if passages else ""
    while text:
        text = text[: len(text) * 3 // 4]
        messages = _messages(question, [text], passages[:1])
        if count_tokens(messages) <= budget_tokens:
            return messages
    return _messages(question, [], [])


def _messages(question: str, texts: Sequence[str], passages: Sequence[Passage]) -> list[Message]:
    sources = []
    for number, (text, passage) in enumerate(zip(texts, passages, strict=True), start=1):
        place = " > ".join(p for p in (passage.document.title, passage.chunk.heading) if p)
        sources.append(f"[{number}] {place}\n{text}")
    body = "\n\n".join(sources) if sources else "(none)"
    return [
        Message("system", INSTRUCTION),
        Message("user", f"Sources:\n\n{body}\n\nQuestion: {question}"),
    ]
