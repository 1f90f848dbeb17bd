"""Make a follow-up question stand alone, so that it can be searched for.

Where the follow-up only names another value for one obvious place of the question before ("And for Italy?"), code
puts it there. Otherwise a language model rewrites the question, and its rewrite counts only if every word of it
comes from the conversation and none of the question's own is lost. What is left is joined to the question before.
"""

import re
from collections.abc import Callable, Sequence

from rag_app.answering.conversation import needs_history, refers_back
from rag_app.answering.prompting import rewrite_prompt
from rag_app.answering.slots import fill_slot
from rag_app.answering.small_talk import REPLIES, small_talk, without_greeting
from rag_app.answering.wording import content_stems, missing_numbers
from rag_app.answering.writing import TextGenerator
from rag_app.models.decoding import Decoding
from rag_app.records import Message

REWRITE_WORDS = 60
REWRITE_TOKENS = 96
REFERRING = content_stems(
    "one ones first second third fourth last next former latter previous other others another else same more also yes "
    "no okay ok thanks instead too mentioned said example detail"
)
"""What a rewrite may drop, having said what it refers to."""
_PERSON = re.compile(r"[A-ZÀ-Þ][\w'’-]+(?: (?:van|von|de|der|la|[A-ZÀ-Þ][\w'’-]*\.?))* [A-ZÀ-Þ][\w'’-]+")
CONNECTING = content_stems("besides aside apart addition regard mention concern")
"""What a rewrite may add to say what it refers to."""
_WHO = re.compile(
    r"[Ww]ho(?:'s|’s| is| was| are| were)? (?![A-ZÀ-Þ])(?!.*\b(?:he|she|they|him|his|hers?|them|their)\b)"
)
"""Asks for a person that it does not name."""
_LABEL = re.compile(r"^(?:[AQ]|[\w ]*question): ", re.IGNORECASE)
"""What a model may write before its question, having seen such lines."""
_PERSON_PRONOUN = re.compile(r"\b(he|she|him|his|hers|her)\b", re.IGNORECASE)

Rewrite = Callable[[str, Sequence[Message]], str]
"""Asks a language model for the standalone form of a question, given the conversation before it."""


def standalone_question(question: str, history: Sequence[Message], rewrite: Rewrite | None = None) -> str:
    """Return the question as it can be understood alone; itself where it can be already.

    Args:
        question: as asked; a greeting before it is dropped.
        history: the turns before it, oldest first.
        rewrite: a language model, asked where rules do not suffice; None for rules alone.
    """
    question = without_greeting(question)
    turns = [m for m in history if m.content.strip() and not _is_small_talk(m)]
    anchor = _last_standalone([m.content.strip() for m in turns if m.role == "user"])
    if anchor is None or not needs_history(question):
        return question
    if filled := fill_slot(question, anchor):
        return filled
    if named := _name_person(question, turns):
        return named
    if rewrite:
        written = rewrite(question, turns)
        if is_faithful(written, question, turns):
            return written
    return f"{anchor} {question}"


def model_rewriter(generator: TextGenerator, *, faithful: bool = True) -> Rewrite:
    """Return a rewriter that asks a language model, with as many of the last turns as it can read.

    It returns an empty text where not even the question fits. With ``faithful``, the model can write no number and no
    name that is not in the conversation.
    """

    def rewrite(question: str, history: Sequence[Message]) -> str:
        turns = list(history)
        while (
            generator.count_tokens(prompt := rewrite_prompt(question, turns))
            > generator.context_tokens - REWRITE_TOKENS
        ):
            if not turns:
                return ""
            turns = turns[1:]
        known = "\n".join(m.content for m in prompt)
        text = ""
        decoding = Decoding(faithful_to=known if faithful else None)
        for piece in generator.stream(prompt, max_new_tokens=REWRITE_TOKENS, decoding=decoding):
            text += piece
            # A small model may go on and answer what it asked.
            if "?" in text or "\n" in text.strip():
                break
        line = _LABEL.sub("", text.strip().split("\n")[0])
        return line[: line.index("?") + 1] if "?" in line else line

    return rewrite


def is_faithful(rewrite: str, question: str, history: Sequence[Message]) -> bool:
    """Tell whether a rewrite is one question, made of the conversation's words, with all of the question's own."""
    if not rewrite.endswith("?") or "\n" in rewrite or len(rewrite.split()) > REWRITE_WORDS:
        return False
    known = "\n".join([question, *(m.content for m in history)])
    words, own = content_stems(rewrite), content_stems(question)
    return bool(
        words <= content_stems(known) | CONNECTING
        # Said again as it was, it still leans on what went before.
        and words - own
        and own - REFERRING <= words
        and not missing_numbers(rewrite, known)
        and not refers_back(rewrite)
    )


def _is_small_talk(turn: Message) -> bool:
    if turn.role == "user":
        return small_talk(turn.content) is not None
    return turn.content in REPLIES.values()


def _last_standalone(asked: Sequence[str]) -> str | None:
    """Return the last question as the rules understand it, each made to stand alone by those before it."""
    anchor: str | None = None
    for question in (without_greeting(q) for q in asked):
        alone = anchor is None or not needs_history(question)
        anchor = question if alone or anchor is None else fill_slot(question, anchor) or anchor
    return anchor


def _name_person(question: str, history: Sequence[Message]) -> str | None:
    """Return the question with its one "he" or "her" named, where the last question asked who and one was named."""
    if len(history) < 2 or history[-1].role != "assistant" or not _WHO.match(history[-2].content):
        return None
    pronouns = _PERSON_PRONOUN.findall(question)
    people = set(_PERSON.findall(history[-1].content))
    if len(pronouns) != 1 or len(people) != 1:
        return None
    person = people.pop()
    found = _PERSON_PRONOUN.search(question)
    assert found is not None
    after = question[found.end() :]
    owns = found.group().casefold() in {"his", "hers"} or (
        found.group().casefold() == "her" and bool(re.match(r"\s+\w", after))
    )
    named = question[: found.start()] + (f"{person}'s" if owns else person) + after
    return named if not needs_history(named) else None
