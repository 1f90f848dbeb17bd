"""Turn a question with its answer into a statement, and a statement into a question to be answered by yes or no."""

import re

BE = r"is|are|was|were"
MODAL = r"can|could|will|would|may|must|should"
PARTICIPLE = re.compile(
    r"^(?:\w+ed|built|born|found|held|made|won|written|taken|known|given|sold|signed|drawn|led|sent|set|kept|lost|paid|"
    r"spoken|seen|shown|thought|begun|chosen|fought|brought|bought|caught|laid|located|used|understood|overthrown)$"
)
MONTH = re.compile(
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December) \d|^\d+ [A-Z]"
)
SUBJECT_ASKED = re.compile(r"^(?:Who|What|Which [\w'-]+|What [\w'-]+) (?P<rest>(?P<verb>[\w'-]+)\b.*)$")
AUXILIARY = frozenset(f"{BE}|{MODAL}|do|does|did|has|have|had".split("|"))
IDENTITY = re.compile(rf"^(?:What|Who|Where|When) (?P<be>{BE}) (?P<rest>.+)$")
COUNTED = re.compile(rf"^How (?:many|much) (?P<thing>[\w' -]+?) (?P<rest>(?:{BE}|{MODAL}|has|have|had) .+)$")
ASSERTED = re.compile(
    rf"^(?P<subject>(?:[\w'’-]+ ){{0,7}}[\w'’-]+) (?P<verb>{BE}|{MODAL}|has been|have been|had been) (?P<rest>[^;]+)$"
)


def state(question: str, answer: str) -> str | None:
    """Return the statement that ``answer`` answers ``question``; None where the question's form is not known.

    Only forms are turned that need no knowledge of grammar; the result is plain, and now and then clumsy.
    """
    asked, said = question.strip().rstrip("? "), answer.strip().rstrip(".")
    if found := COUNTED.match(asked):
        rest = re.sub(r"^(?:are|were|is|was) there\b", "", found["rest"])
        if rest != found["rest"]:
            return f"There {found['rest'].split()[0]} {said} {found['thing']}{rest}."
        return f"{_capital(said)} {found['thing']} {rest}."
    if found := IDENTITY.match(asked):
        return _state_identity(found["be"], found["rest"], said, asked.split()[0])
    found = SUBJECT_ASKED.match(asked)
    if found and found["verb"].lower() not in AUXILIARY and re.search(r"(?:s|ed|t|d|e|k|n|w)$", found["verb"]):
        return f"{_capital(said)} {found['rest']}." if asked.startswith("Who") else None
    if found and found["verb"].lower() in AUXILIARY - {"do", "does", "did"} and asked.split()[1] == found["verb"]:
        return f"{_capital(said)} {found['rest']}." if asked.startswith("Who") else None
    return None


def _state_identity(be: str, rest: str, said: str, asks: str) -> str | None:
    words = rest.split()
    at = next((i for i, w in enumerate(words) if i and PARTICIPLE.match(w)), None)
    if at is not None:
        subject, after = " ".join(words[:at]), " ".join(words[at:])
        return f"{_capital(subject)} {be} {after} {_with_preposition(said, asks)}."
    if asks in ("When", "Where"):
        return f"{_capital(rest)} {be} {_with_preposition(said, asks)}."
    return f"{_capital(rest)} {be} {said}."


def _with_preposition(said: str, asks: str) -> str:
    known = re.match(
        r"(?:in|on|at|by|during|since|after|before|from|until|between|around|about|near|c\.)\b", said.lower()
    )
    if asks not in ("When", "Where") or known:
        return said
    return f"on {said}" if asks == "When" and MONTH.search(said) else f"in {said}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def ask_whether(sentence: str) -> str | None:
    """Return the question whether a sentence is true, by bringing its verb to the front; None if it is not simple."""
    found = ASSERTED.match(sentence.rstrip(" ."))
    if not found or found["rest"].count(",") > 1:
        return None
    subject, verb = found["subject"], found["verb"].split()
    first = subject.split()[0]
    if first in {
        "The",
        "A",
        "An",
        "This",
        "These",
        "Its",
        "Their",
        "His",
        "Her",
        "Most",
        "Many",
        "All",
        "Some",
        "Each",
    }:
        subject = first.lower() + subject[len(first) :]
    elif first in {"It", "He", "She", "They", "There", "In", "On", "At", "That", "Which", "As", "If", "When", "While"}:
        return None
    return " ".join([_capital(verb[0]), subject, *verb[1:], found["rest"]]) + "?"
