"""Questions that a text answers, made of its own sentences by rules of word order.

A sentence that says how many, how much, when, where or on what condition becomes a question for that. Whatever a rule
does not fit whole is left alone: no question is better than a silly one. Whether it can be answered is for the caller
to find out. English only.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag_app.answering.sentences import split_sentences
from rag_app.answering.wording import content_stems

MOST_WORDS = 32
MOST_QUESTION_WORDS = 18
_NUMBER = (
    r"(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|ninety|a hundred)"
)
_LIMIT = r"(?:up to|at most|at least|no more than|about|exactly|only)"
_AUX = r"(?P<aux>may|must|can|should|will|is|are|was|were)"
_UNIT = (
    r"(?P<unit>(?:(?!(?:may|must|can|should|will|is|are|was|were|in|on|at|for|to|from|before|after|and|or|if|per|by|"
    r"within|until|when|while|during|with|each|every)\b)[\w'’-]+ ?){1,5}?)"
)
_SUBJECT = r"(?P<subject>(?:[A-Z][\w'’-]*|[A-Z]{2,})(?: (?!(?:and|or|if|that|which|who|when|but)\b)[\w'’/-]+){0,7}?)"
_MONEY = r"(?:[£€$]\s?\d[\d,.]*|\d[\d,.]* ?(?:euros?|pounds?|dollars?|kroner|EUR|GBP|USD|NOK|percent|per cent|%))"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|"
    r"Wednesday|Thursday|Friday|Saturday|Sunday)"
)
_TIME = (
    rf"(?:\d{{1,2}}[:.]\d\d|\d{{1,2}} {_MONTH}|{_MONTH}|noon|midnight|{_NUMBER} (?:working |calendar )?"
    r"(?:minutes?|hours?|days?|weeks?|months?|years?)|the (?:\w+ ){0,2}(?:day|week|month|year|quarter)|"
    r"every (?:day|week|month|year))"
)
_BASE = {
    "has": "have", "have": "have", "receives": "receive", "receive": "receive", "gets": "get", "get": "get",
    "takes": "take", "take": "take", "lasts": "last", "last": "last", "needs": "need", "need": "need",
    "holds": "hold", "hold": "hold", "opens": "open", "open": "open", "closes": "close", "close": "close",
    "starts": "start", "start": "start", "begins": "begin", "begin": "begin", "ends": "end", "end": "end",
    "meets": "meet", "meet": "meet", "costs": "cost", "cost": "cost", "expires": "expire", "expire": "expire",
    "keeps": "keep", "keep": "keep", "weighs": "weigh", "weigh": "weigh",
}  # fmt: skip
_PRONOUNS = re.compile(
    r"^(?:they|it|this|that|these|those|he|she|we|i|there|here|such|both|others?|its|their|his|her|nobody|no one|"
    r"none|anyone|everyone else|the (?:others?|former|latter|same|rest|first|second|third|last)|which|what|who|"
    r"however|then|instead|otherwise|also|please|note)\b",
    re.IGNORECASE,
)
_LOOSE = re.compile(
    r"\b(?:(?:above|below)(?! [\d£€$])|following|herein|this|these|that|those|it|them|they|he|she|its|their|such|do so|"
    r"us|we|our|also|already|however|so|then)\b|\b[a-z]+ (?:t|s|ve|re|ll)\b"
)


@dataclass(frozen=True, slots=True)
class Suggested:
    """A question and the sentence of the text that it was made of, ``text[start:end]``."""

    question: str
    start: int
    end: int


def questions_from(text: str) -> Iterator[Suggested]:
    """Yield the questions that sentences of a text answer, in the text's order; at most one for each sentence."""
    for start, end in split_sentences(text):
        if question := question_of(" ".join(text[start:end].split()), text):
            yield Suggested(question, start, end)


def question_of(sentence: str, text: str = "") -> str | None:
    """Return a question that a sentence answers, None where no rule fits.

    ``text`` is where the sentence stands: it tells whether a sentence's first word is a name.
    """
    if not _is_plain(sentence):
        return None
    for pattern, build in _RULES:
        found = pattern.match(sentence)
        subject = found.groupdict().get("subject") if found else None
        if not found or (subject and (not _is_subject(subject) or _lowered(subject, text) is None)):
            continue
        if (question := build(found, text)) and _reads_well(question):
            return question
    return None


def too_like(question: str, other: str) -> bool:
    """Tell whether two questions ask nearly the same: most of their words are the other's."""
    one, two = content_stems(question), content_stems(other)
    return 4 * len(one & two) > 3 * min(len(one), len(two))


def _is_plain(sentence: str) -> bool:
    words = sentence.split()
    return (
        4 <= len(words) <= MOST_WORDS
        and sentence[-1] == "."
        and sentence[0].isupper()
        and not _PRONOUNS.match(sentence)
        and not re.search(r"[|;\"“”(){}<>\[\]*_=#\\]|:(?!\d\d)|https?:|\d\.\s\w", sentence)
    )


def _reads_well(question: str) -> bool:
    body = question[:-1]
    return (
        5 <= len(body.split()) <= MOST_QUESTION_WORDS
        and not _LOOSE.search(body)
        and not re.search(r"\b(?:and|or|the|a|an|of|to|by|in|for|from|at|only|than)$", body)
        and not re.search(r",(?!\d)", body)
    )


def _clause(rest: str) -> str:
    """Return a predicate up to where another clause begins."""
    return re.split(
        r",(?!\d)| (?:and|or|but|so|because|unless|otherwise|as long as|which|that|if|when|while|where)\b", rest
    )[0].rstrip(". ")


def _is_subject(words: str) -> bool:
    return not _NO_SUBJECT.search(words.strip()) and not _VAGUE.match(words.strip())


def _subject(found: re.Match[str], text: str) -> str:
    return _as_reader(_lowered(found["subject"].strip(), text) or found["subject"])


def _lowered(words: str, text: str) -> str | None:
    """Return words that began a sentence as they stand in the middle of one: in capitals only where that is a name.

    None where nothing tells whether a single word is one.
    """
    first, *others = words.split()
    small = first[0].lower() + first[1:]
    if small in _COMMON or re.search(rf"(?<![\w-]){re.escape(small)}(?![\w-])", text):
        return small + words[len(first) :]
    a_name = (
        first[1:] != first[1:].lower()
        or first.endswith(("'s", "’s"))
        or re.search(rf"[a-z,] {re.escape(first)}(?![\w-])", text)
    )
    described = others[0].islower() if others else first.endswith("s")
    if a_name:
        return words
    return small + words[len(first) :] if described else None


_NO_SUBJECT = re.compile(
    r"^(?:in|on|at|for|from|by|after|before|during|with|without|within|as|to|since|until|ask|tell|see|use|keep|call|"
    r"send|give|take|write|do|if|when|while|where|how|what|because|although|please)\b|"
    r"\b(?:may|must|can|could|should|will|would|shall|might|is|are|was|were|has|have|had|do|does|did|what|how|not)\b|"
    r"\b(?:the|a|an|in|of|on|at|to|for|and|or|with|by|from|than)$",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"^(?:the|a|an|any|each|every|all)?\s?(?:usual |total |whole |new |other )?(?:limit|excess|price|amount|rate|rest|"
    r"fee|value|number|time|list|table|section|document|page|class|rule|thing|part|cost|total|maximum|minimum|figure|"
    r"result|request|answer|difference|change|year|month|day|estimate|thread|value)s?$",
    re.IGNORECASE,
)
_COMMON = {"the", "a", "an", "all", "each", "every", "your", "you", "some", "most", "new", "any", "no", "people"}


def _as_reader(words: str) -> str:
    """Return what was said to the reader as the reader would say it."""
    changed = re.sub(r"\b[Yy]ou are\b", "I am", words)
    changed = re.sub(r"\byour\b", "my", changed)
    changed = re.sub(r"\byourself\b", "myself", changed)
    return re.sub(r"\byou\b", "I", changed)


_SPAN = re.compile(r"(?:working |calendar |full )?(?:second|minute|hour|day|week|month|year)s")
_NO_UNIT = {"of", "more", "percent", "times", "or", "and", "other", "further", "hundred", "thousand", "million"}


def _many(found: re.Match[str], text: str) -> str | None:
    """Up to 6 unused days may be carried over …: How many unused days may be carried over …?"""
    unit = found["unit"].strip()
    if not unit.split()[-1].endswith("s") or unit.split()[0] in _NO_UNIT:
        return None
    aux = {"is": "are", "was": "were"}.get(found["aux"], found["aux"])
    return f"How many {unit} {aux} {_as_reader(_clause(found['rest']))}?"


def _has_many(found: re.Match[str], text: str) -> str | None:
    """Full-time employees have 27 days of annual leave …: How many days of annual leave do full-time employees have?"""
    unit, verb = found["unit"].strip(), _BASE[found["verb"]]
    if not re.search(r"\b\w+s\b", unit.split(" of ")[0]) or unit.split()[0] in _NO_UNIT:
        return None
    subject = _subject(found, text)
    rest = _clause(found["rest"] or "")
    if verb in {"last", "take"} and _SPAN.fullmatch(unit):
        return f"How long {_does(found['verb'], subject)} {subject} {verb}?"
    return f"How many {unit} {_does(found['verb'], subject)} {subject} {verb}{f' {_as_reader(rest)}' if rest else ''}?"


def _does(verb: str, subject: str) -> str:
    return "does" if _BASE.get(verb) != verb and subject != "I" else "do"


def _may_many(found: re.Match[str], text: str) -> str | None:
    """You may buy up to 5 additional days a year: How many additional days a year may I buy?"""
    unit = found["unit"].strip()
    if not re.search(r"\b\w+s\b", unit) or unit.split()[0] in _NO_UNIT:
        return None
    rest = _clause(found["rest"] or "")
    return (
        f"How many {unit} {found['aux']} {_subject(found, text)} {found['verb']}"
        f"{f' {_as_reader(rest)}' if rest else ''}?"
    )


def _when_does(found: re.Match[str], text: str) -> str:
    """The canteen opens at 11:30: When does the canteen open?"""
    subject = _subject(found, text)
    return f"When {_does(found['verb'], subject)} {subject} {_BASE[found['verb']]}?"


def _when_aux(found: re.Match[str], text: str) -> str:
    """Expenses must be claimed within 60 days: When must expenses be claimed?"""
    middle = _as_reader(found["middle"].strip())
    return f"{'Until when' if found['time'] == 'until' else 'When'} {found['aux']} {_subject(found, text)} {middle}?"


def _where(found: re.Match[str], text: str) -> str:
    """The key is kept behind the door: Where is the key kept?"""
    return f"Where {found['aux']} {_subject(found, text)} {found['verb']}?"


def _how_much(found: re.Match[str], text: str) -> str:
    """A parking space costs 40 euros a month: How much does a parking space cost?"""
    subject = _subject(found, text)
    if found["verb"] in {"is", "are"}:
        return f"How much {found['verb']} {subject}?"
    return f"How much {_does(found['verb'], subject)} {subject} {_BASE[found['verb']]}?"


def _who(found: re.Match[str], text: str) -> str:
    """The head of department approves purchases …: Who approves purchases …?"""
    return f"Who {found['verb']} {_as_reader(_clause(found['rest']))}?"


_NO_ORDER = {"however", "in", "as", "on", "at", "for", "such", "some", "most", "depending", "after", "only", "nobody"}


def _what_if(found: re.Match[str], text: str) -> str:
    """If you fall ill on holiday …: What happens if I fall ill on holiday?"""
    condition = re.split(r",| (?:and|but)\b", found["condition"])[0].strip()
    told = not found["then"] and found["rest"][0].islower() and found["rest"].split()[0] not in _NO_ORDER
    asks = "What should I do" if told and re.match(r"(?:you|your)\b", condition) else "What happens"
    return f"{asks} if {_as_reader(condition)}?"


_VERBS = "|".join(sorted(_BASE, key=len, reverse=True))
_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], str | None]], ...] = (
    (re.compile(rf"^(?:(?i:{_LIMIT}) )?(?i:{_NUMBER}) {_UNIT} {_AUX} (?P<rest>.+)$"), _many),
    (
        re.compile(
            rf"^{_SUBJECT} (?P<verb>has|have|receives?|gets?|takes?|lasts?|needs?|holds?) (?:{_LIMIT} )?{_NUMBER} "
            rf"(?P<unit>(?:[\w'’-]+ ){{0,2}}?\w+s(?: of (?:[\w'’-]+ ?){{1,2}}?)?)(?: (?P<rest>(?:in|on|at|for|to|from|"
            r"before|after|during|a|each|per|every)\b.*))?(?:,.*)?\.$"
        ),
        _has_many,
    ),
    (
        re.compile(
            rf"^{_SUBJECT} (?P<aux>may|must|can|should) (?P<verb>[a-z]+) (?:{_LIMIT} ){_NUMBER} "
            rf"(?P<unit>(?:[\w'’-]+ ){{0,3}}?\w+s(?: (?:a|per|each) \w+)?(?: of (?:[\w'’-]+ ?){{1,2}}?)?)"
            rf"(?: (?P<rest>(?:in|on|at|for|to|from|before|after|during|each)\b.*))?(?:,.*)?\.$"
        ),
        _may_many,
    ),
    (
        re.compile(
            rf"^{_SUBJECT} (?P<verb>opens?|closes?|starts?|begins?|ends?|meets?|expires?) "
            rf"(?:at|on|from|by|after|before|in|every) (?:the )?{_TIME}\b.*\.$"
        ),
        _when_does,
    ),
    (
        re.compile(
            rf"^{_SUBJECT} {_AUX} (?P<middle>(?:be )?(?:not )?[a-z]+(?:ed|en|t|de|ne|id|nt|ut|ld|un|wn)?) "
            rf"(?:only )?(?P<time>by|within|before|after|until|on|from|every|at) (?:the )?(?:end of )?{_TIME}\b.*\.$"
        ),
        _when_aux,
    ),
    (
        re.compile(
            rf"^{_SUBJECT} (?P<aux>is|are) (?P<verb>kept|stored|held|located|found|parked|filed) "
            r"(?:in|at|behind|under|beside|next to|near|on (?:the )?(?!last|first|second|third|[A-Z])) .+\.$"
        ),
        _where,
    ),
    (re.compile(rf"^{_SUBJECT} (?P<verb>costs?|is|are) (?:{_LIMIT} )?{_MONEY}.*\.$"), _how_much),
    (
        re.compile(
            r"^(?P<subject>(?:The|Your|A|An|Our) (?:[\w'’-]+ ){0,4}?(?:manager|director|team|department|officer|board|"
            r"committee|head of [\w ]{3,25}?|desk|lead|owner|engineer|landlord|tenant|court|employer)) "
            r"(?P<verb>approves|signs|decides|checks|reviews|keeps|answers for|pays for|orders|organises|appoints|"
            r"grants|issues|publishes) (?P<rest>.+)$"
        ),
        _who,
    ),
    (
        re.compile(
            r"^If (?P<condition>(?:you|your|the|a|an|somebody|someone)\b[^,]{8,70}), "
            r"(?P<then>(?:the|you|your|a|an|it|they|we|he|she|there|no|this)\b)?(?P<rest>.+)\.$"
        ),
        _what_if,
    ),
)
