"""Put what a short follow-up names into the question before it: "And for Italy?" after one about Norway.

Only where the place is obvious: the same preposition or the same noun, or the only thing of its kind (a name for a
name, a number for a number). Otherwise nothing is put anywhere.
"""

import re
from typing import Literal

from rag_app.answering.wording import STOP_WORDS, stem

Kind = Literal["day", "month", "number", "code", "name", "word"]

_LEAD = re.compile(
    r"^(?:(?:and|but|or|so|then|also|ok|okay)\s+)*(?:(?:what|how)\s+about\s+|and\s+)?"
    r"(?P<preposition>(?:for|in|at|on|with|without|from|to|during|after|before|by|under|within|until|per|of)\s+)?"
    r"(?P<article>(?:the|a|an|my|our)\s+)?(?P<value>.+?)\s*(?:then|instead|too)?\s*[?.!]*$",
    re.IGNORECASE,
)
_VALUE_WORDS = 4
_TOKEN = re.compile(r"[^\W_]+(?:[-'’/.][^\W_]+)*%?")
_DAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?", re.IGNORECASE)
_MONTH = re.compile(
    r"january|february|march|april|may|june|july|august|september|october|november|december", re.IGNORECASE
)
_CODE = re.compile(r"(?=.*[A-Z])[A-Z0-9][A-Z0-9/.-]+")
_VERBAL = frozenset("is are was were do does did can could may might must will would shall should has have had".split())


def fill_slot(follow_up: str, question: str) -> str | None:
    """Return the question with the value that the follow-up names in its place, or None where no place is obvious."""
    lead = _LEAD.match(follow_up.strip())
    if not lead:
        return None
    value, preposition = lead["value"], (lead["preposition"] or "").strip().casefold()
    words = [word.group() for word in _TOKEN.finditer(value)]
    if not 0 < len(words) <= _VALUE_WORDS or any(w.casefold() in STOP_WORDS | _VERBAL for w in words):
        return None
    kind = _kind_of(words)
    places = _places(question)
    if preposition:
        after = [p for p in places if p[3] == preposition]
        if len(after) == 1 and after[0][2] == kind:
            return _put(question, after[0], value)
    if kind == "word":
        heads = [p for p in places if p[2] == "word" and stem(question[p[0] : p[1]].split()[-1]) == stem(words[-1])]
        return _put(question, heads[0], value) if len(heads) == 1 and len(words) > 1 else None
    alike = [p for p in places if p[2] == kind]
    return _put(question, alike[0], value) if len(alike) == 1 else None


Place = tuple[int, int, Kind, str]
"""Start and end of a phrase in a question, its kind, and the preposition before it."""


def _places(question: str) -> list[Place]:
    """Return the phrases of a question, its first word apart: runs of words of one kind between function words."""
    places: list[Place] = []
    run: list[re.Match[str]] = []
    preposition = ""
    for word in [*list(_TOKEN.finditer(question))[1:], None]:
        if word and run and _goes_on(question, run, word):
            run.append(word)
            continue
        if run:
            places.append((run[0].start(), run[-1].end(), _kind_of([w.group() for w in run]), preposition))
            run, preposition = [], ""
        if word is None:
            break
        text = word.group().casefold()
        if text in STOP_WORDS | _VERBAL:
            # An article stands between a preposition and its noun.
            preposition = preposition if text in {"the", "a", "an", "my", "our"} else text
        else:
            run = [word]
    return places


def _goes_on(question: str, run: list[re.Match[str]], word: re.Match[str]) -> bool:
    if word.group().casefold() in STOP_WORDS | _VERBAL or question[run[-1].end() : word.start()].strip():
        return False
    kind, following = _kind_of([w.group() for w in run]), _kind_of([word.group()])
    # "Heron 20" is one name, "10 years" one number; a name and the noun after it are two phrases.
    return (
        kind == following
        or (kind == "name" and following in {"number", "code"})
        or (kind == "number" and following == "word" and len(run) == 1)
    )


def _kind_of(words: list[str]) -> Kind:
    first = words[0]
    if _DAY.fullmatch(first):
        return "day"
    if _MONTH.fullmatch(first) and first[:1].isupper():
        return "month"
    if first[:1].isdigit() and not _CODE.fullmatch(first):
        return "number"
    if _CODE.fullmatch(first):
        return "code"
    return "name" if first[:1].isupper() else "word"


def _put(question: str, place: Place, value: str) -> str:
    whole = question[: place[0]] + value + question[place[1] :]
    return whole.rstrip(" .!?") + "?"
