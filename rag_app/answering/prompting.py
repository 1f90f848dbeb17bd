"""Write the prompts: for an answer from numbered sources, and for a follow-up question that is to stand alone.

The embedded generator was trained on exactly these (see ``rag_app.training.generator_data``); to another model they say
all that it needs to know. What a model makes of them is checked afterwards like anything else.
"""

from collections.abc import Callable, Sequence

from rag_app.records import Message, Passage, heading_path

READ_INSTRUCTION = (
    "Answer the question from the numbered sources alone. First line: the short answer, in the words of the source. "
    "Second line: one full sentence that says it, with the number of its source, such as [1]. If the sources do not "
    "answer the question, say: Not in the sources."
)
SILENCE = "Not in the sources."
"""What the language model says when the sources do not answer."""
REWRITE_INSTRUCTION = "Rewrite the last question so that it can be understood alone."
REWRITE_TURNS = 6
REWRITE_QUESTION_WORDS = 60
REWRITE_ANSWER_WORDS = 40


def source_text(passage: Passage) -> str:
    """Return a passage as a prompt has it: below its document's title and headings."""
    place = heading_path(passage.document.title, passage.chunk.heading)
    return f"{place}: {passage.chunk.text}" if place else passage.chunk.text


def reading_prompt(question: str, sources: Sequence[str]) -> list[Message]:
    """Return the messages that ask for the answer to a question from ``sources``, numbered from 1.

    The question stands before the sources and after: a causal model reads them knowing what is looked for.
    """
    asked = f"Question: {' '.join(question.split())}"
    numbered = [f"[{number}] {text}" for number, text in enumerate(sources, start=1)]
    return [Message("system", READ_INSTRUCTION), Message("user", "\n\n".join([asked, *numbered, asked]))]


def fitting_prompt(
    question: str,
    sources: Sequence[str],
    *,
    count_tokens: Callable[[Sequence[Message]], int],
    budget_tokens: int,
) -> tuple[int, list[Message]]:
    """Return how many of the sources, best first, fit ``budget_tokens``, and the prompt that has them.

    When not even the best source fits, it is cut at its end: what is checked later is the text in the library,
    so that a cut prompt can make an answer poorer but not wrong.
    """
    for count in range(len(sources), 0, -1):
        messages = reading_prompt(question, sources[:count])
        if count_tokens(messages) <= budget_tokens:
            return count, messages
    text = sources[0] if sources else ""
    while text and count_tokens(reading_prompt(question, [text])) > budget_tokens:
        text = text[: len(text) * 3 // 4]
    return (1, reading_prompt(question, [text])) if text else (0, reading_prompt(question, []))


def rewrite_prompt(question: str, history: Sequence[Message]) -> list[Message]:
    """Return the messages that ask for the standalone form of a question, given the turns before it, oldest first.

    The last turns become lines "Q: …" and "A: …", long ones cut; the answer is the standalone question and no more.
    """
    lines = [
        f"Q: {_first_words(turn.content, REWRITE_QUESTION_WORDS)}"
        if turn.role == "user"
        else f"A: {_first_words(turn.content, REWRITE_ANSWER_WORDS)}"
        for turn in [turn for turn in history if turn.role != "system"][-REWRITE_TURNS:]
    ]
    task = "\n".join([*lines, f"Last question: {' '.join(question.split())}"])
    return [Message("system", REWRITE_INSTRUCTION), Message("user", task)]


def _first_words(text: str, count: int) -> str:
    return " ".join(text.split()[:count])
