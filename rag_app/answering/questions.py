"""Tell the questions of a message apart: "What does it cost, and who approves it?" asks two things.

Only where the form is certain: every part asks with a question word or a verb of its own. Each part is then made to
stand alone: a pronoun, or a part that names nothing of its own, takes what the part before was about. Where that
cannot be told, the message stays one question.
"""

import re
from collections.abc import Iterator, Sequence

from rag_app.answering.completing import ADVERB, AUX, EMBEDS, GENERIC, HOW, PREPOSITION, TAIL, as_sentence, completed
from rag_app.answering.conversation import needs_history
from rag_app.answering.rewriting import Rewrite, standalone_question
from rag_app.answering.small_talk import without_greeting
from rag_app.answering.wording import content_stems
from rag_app.records import Message

_WHO = r"(?:i|we|you|one|he|she|they|it|there|people|employees?|staff|visitors?|users?|customers?|managers?)"
_ASKING = re.compile(
    rf"(?:{ADVERB} {AUX} (?:\w|['\"])"
    rf"|(?:who|what|which [\w-]+) (?!{PREPOSITION}\b|and\b|or\b)(?:else )?[\w'’-]+"
    r"|(?:what|who|where|when|how)['’]s "
    rf"|{HOW} [\w-]+ [\w-]+ "
    rf"|{AUX} (?:{_WHO}|the|an?|my|our|your|any|this|these|all|every|each|some) [\w'’-]+"
    r"|(?:explain|describe|list|name|tell me|summari[sz]e) \w)",
    re.IGNORECASE,
)
"""How a part begins that asks by itself."""
_INVERTED = re.compile(
    rf"(?:{ADVERB} {AUX} \w|{AUX} (?:{_WHO}|the|an?|my|our|your) \w"
    rf"|(?:what|who|where|when|how)['’]s |{HOW} [\w-]+ [\w-]+|(?:who|what) (?!is\b|are\b|was\b|were\b)[\w-]+)",
    re.IGNORECASE,
)
"""How a part after "and" begins that is no relative clause: "when does it close", not "when it closes"."""
_JOINT = re.compile(r"(?:[,;]\s+|\s+)(?:and|&|as well as)\s+(?:also\s+|then\s+|if so,?\s+)*|[,;]\s+", re.IGNORECASE)
_COMPARES = re.compile(r"\bbetween\b|\bdifferen(?:ce|t|ces)\b|\bcompare[ds]?\b|\b(?:versus|vs)\b", re.IGNORECASE)
_INDIRECT = re.compile(r"(?:who|whom|what|which|when|where|why|how|whether)\b \w", re.IGNORECASE)
_RELATIVE = re.compile(r"(?<=\w)[^,]* (?:who|which|that|whose)\b", re.IGNORECASE)
_BARE = re.compile(
    rf"(?:,|;)?\s+and (?:also )?(?P<asked>(?:{PREPOSITION} )?(?:why|how|when|where|whom|{HOW}|what [\w-]+))$",
    re.IGNORECASE,
)
"""A last part that is a question word alone, as in "When is it closed, and for how long?"."""
_WORD = rf"(?:{HOW}|when|where|why|how|who|what)"
_SHARED = re.compile(
    rf"(?P<asked>{_WORD}(?:(?:, | and | or |, and ){_WORD})+) (?P<rest>{AUX} .+)",
    re.IGNORECASE,
)
"""Question words that share what follows: "When and where is the meeting?"."""
_ADVERBIAL = re.compile(
    rf"(?:(?:{HOW}|how|when|where|why)(?: (?!{AUX}\b)[\w-]+)? )?(?P<rest>{AUX} \w.+)", re.IGNORECASE
)
_CONDITION = re.compile(
    rf"(?P<before>(?:if|when|once|after|before|in case|for|in|at|on|during) (?!{AUX}\b|how\b|what\b|which\b|whom\b)"
    r"[^,?]+), +",
    re.IGNORECASE,
)
_WHEN = re.compile(r" (?P<when>(?:if|when|in case) .+)$", re.IGNORECASE)
_FILLER = re.compile(
    r"(?:(?:can|could|would) (?:you|anyone|anybody|someone) (?:please )?help(?: me)?(?: (?:out|with (?:this|that|it)))?"
    r"|any (?:ideas?|help|thoughts|suggestions)|do you know|right|ok(?:ay)?|please)[.?! ]*",
    re.IGNORECASE,
)


def understood_questions(message: str, history: Sequence[Message], rewrite: Rewrite | None = None) -> tuple[str, ...]:
    """Return the questions of a message, each as it can be understood without the conversation before it."""
    situation, parts = _parts(without_greeting(message))
    if len(parts) > 1:
        if history and not situation and needs_history(as_sentence(parts[0])):
            parts = [standalone_question(as_sentence(parts[0]), history, rewrite), *parts[1:]]
        if alone := _standing_alone(parts, situation):
            return alone
    return split_questions(standalone_question(message, history, rewrite))


def split_questions(message: str) -> tuple[str, ...]:
    """Return the questions that a message asks, each standing alone; the message itself where that is but one.

    A statement of the situation before them belongs to each, and so does a condition before the first.
    """
    situation, parts = _parts(message)
    return (_standing_alone(parts, situation) if len(parts) > 1 else None) or (message,)


def _parts(message: str) -> tuple[str, list[str]]:
    situation, asked = _sentences(message.strip())
    return situation, [part for sentence in asked for part in _clauses(sentence)]


def _sentences(message: str) -> tuple[str, list[str]]:
    """Return what a message states first, and its questions without their marks; one where something is unclear."""
    pieces = [p for p in re.split(r"(?<=[.?!])\s+(?=[A-Z\"“])|(?<=\?)\s*|\n+", message) if p.strip(TAIL)]
    stated = [p for p in pieces if not p.rstrip().endswith("?") and not _ASKING.match(p)]
    asked = [p for p in pieces if p not in stated and not _FILLER.fullmatch(p)]
    leading = pieces[: len(stated)] == stated
    if not asked or not leading or any(not _asks(p) for p in asked):
        return "", [message.rstrip(TAIL)]
    return " ".join(stated), [p.strip().rstrip(TAIL) for p in asked]


def _asks(piece: str) -> bool:
    asked = _CONDITION.sub("", piece.strip(), count=1) if _CONDITION.match(piece.strip()) else piece.strip()
    asked = re.sub(r"^(?:and|but|so|also|then|please)\b,?\s*(?:also\s+)?", "", asked, flags=re.IGNORECASE)
    return bool(_ASKING.match(asked) or EMBEDS.match(asked))


def _clauses(sentence: str) -> list[str]:
    """Return the questions that one sentence joins."""
    if _COMPARES.search(sentence):
        return [sentence]
    condition = _CONDITION.match(sentence)
    before = condition.group() if condition else ""
    body = sentence[len(before) :]
    if shared := _SHARED.fullmatch(body):
        words = re.split(r", and |, | and ", shared["asked"])
        return [sentence] if " or " in shared["asked"] else [f"{before}{word} {shared['rest']}" for word in words]
    if bare := _BARE.search(body):
        rest = _ADVERBIAL.fullmatch(body[: bare.start()])
        again = f"{before}{bare['asked']} {rest['rest'][:1].lower()}{rest['rest'][1:]}" if rest else ""
        return [before + body[: bare.start()], again] if again else [sentence]
    if not _asks(body):
        return [sentence]
    embeds = EMBEDS.match(body)
    lead = embeds.group() if embeds else ""
    parts = list(_cut(body[len(lead) :], embeds=bool(embeds)))
    return [before + lead + part for part in _sharing_condition(parts)] if len(parts) > 1 else [sentence]


def _cut(body: str, *, embeds: bool) -> Iterator[str]:
    """Yield the parts of a sentence, cut before each part that asks by itself; commas only count before an "and"."""
    joints = [j for j in _JOINT.finditer(body) if _begins_question(body[j.end() :], body[: j.start()], embeds=embeds)]
    last = max((i for i, j in enumerate(joints) if j.group().strip(" ,;")), default=-1)
    start = 0
    for joint in joints[: last + 1]:
        yield body[start : joint.start()]
        start = joint.end()
    yield body[start:]


def _begins_question(rest: str, before: str, *, embeds: bool) -> bool:
    """Tell whether what follows a joint asks by itself, and is no relative clause of what stands before."""
    if len(before.split()) < 2 or (_RELATIVE.search(before) and re.match(r"who|which|what", rest, re.IGNORECASE)):
        return False
    if embeds:
        return bool(_INDIRECT.match(rest))
    return bool(_INVERTED.match(rest) or re.match(r"(?:who|what) (?:is|are|was|were) \w", rest, re.IGNORECASE))


def _sharing_condition(parts: Sequence[str]) -> list[str]:
    """Return the parts, those that say nothing of their own with the condition after the last."""
    found = _WHEN.search(parts[-1])
    if not found:
        return list(parts)
    return [part if _WHEN.search(part) or content_stems(part) - GENERIC else part + found.group() for part in parts]


def _standing_alone(parts: Sequence[str], situation: str) -> tuple[str, ...] | None:
    """Return the parts so that each says what it is about, or None where that cannot be told.

    A situation before them says what they leave out.
    """
    whole: list[str] = []
    for part in parts:
        alone = completed(part, whole[-1], whole[0]) if whole else part
        if alone is None and not situation:
            return None
        whole.append(as_sentence(alone or part))
    return tuple(f"{situation} {part}".strip() for part in whole)
