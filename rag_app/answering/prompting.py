"""Write the prompt: the evidence, the question and the short answer that was found, to be said in a sentence.

The language model is asked for one thing that even a very small one does well: to say a known answer as a full
sentence in the words of the text. Three examples show how (few-shot prompting, Brown et al. 2020, arXiv
2005.14165). What it makes of it is checked afterwards like anything else.
"""

from collections.abc import Callable, Sequence

from rag_app.answering.grounding import Window
from rag_app.records import Message

INSTRUCTION = "You turn a short answer into one complete sentence, with the words, numbers and names of the text."
REWRITE_INSTRUCTION = "Rewrite the last question so that it can be understood alone."
REWRITE_TURNS = 6
REWRITE_QUESTION_WORDS = 60
REWRITE_ANSWER_WORDS = 40
EXAMPLES = (
    (
        "The library is closed on Mondays. On other days it opens at 9:00.",
        "When does the library open on Tuesdays?",
        "9:00",
        "The library opens at 9:00 on Tuesdays.",
    ),
    (
        "Product: Chair; Price: 75 EUR; Colour: blue",
        "How much is the chair?",
        "75 EUR",
        "The price of the chair is 75 EUR.",
    ),
    (
        "Requests are decided by the warden, usually within a week.",
        "who decides about requests",
        "the warden",
        "Requests are decided by the warden.",
    ),
)


def build_prompt(
    question: str,
    sources: Sequence[Window],
    *,
    short_answer: str,
    count_tokens: Callable[[Sequence[Message]], int],
    budget_tokens: int,
) -> list[Message]:
    """Return the messages for a question: as many of the sources, best first, as fit ``budget_tokens``.

    When not even the best source fits, it is cut at its end: what is checked later is the text in the library,
    so that a cut prompt can make an answer poorer but not wrong.
    """
    texts = [f"{source.context}: {source.text}" for source in sources]
    for count in range(len(texts), 0, -1):
        messages = _messages(question, texts[:count], short_answer)
        if count_tokens(messages) <= budget_tokens:
            return messages
    text = texts[0] if texts else ""
    while text and count_tokens(_messages(question, [text], short_answer)) > budget_tokens:
        text = text[: len(text) * 3 // 4]
    return _messages(question, [text], short_answer)


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


def _messages(question: str, texts: Sequence[str], short_answer: str) -> list[Message]:
    messages = [Message("system", INSTRUCTION)]
    for text, asked, answer, sentence in EXAMPLES:
        messages += [Message("user", _task(text, asked, answer)), Message("assistant", sentence)]
    return [*messages, Message("user", _task("\n".join(texts), question, short_answer))]


def _task(text: str, question: str, short_answer: str) -> str:
    return f"Text: {text}\nQuestion: {question}\nShort answer: {short_answer}"
