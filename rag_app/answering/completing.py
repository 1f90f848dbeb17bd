"""Make a question that follows another in one message say what it is about.

"... and who approves it?" takes the place of "it" from the question before, by that one's form. Where no form shows
what is meant, nothing is taken.
"""

import re

from rag_app.answering.conversation import needs_history, refers_back
from rag_app.answering.rewriting import agrees, topics_of
from rag_app.answering.wording import content_stems

LEAST_OWN_WORDS = 2
AUX = (
    r"(?:is|are|was|were|do|does|did|can|could|may|might|must|will|would|shall|should|has|have|had)(?:n['’]t)?"
)  # fmt: skip
HOW = r"how (?:many|much|long|often|far|soon|old|big|large|heavy|high|fast|late|early|quickly|wide|deep)"
PREPOSITION = r"(?:for|in|at|on|with|from|to|by|under|until|till|after|before|of|since)"
ADVERB = rf"(?:{PREPOSITION} )?(?:(?:{HOW}|which|what)(?: (?!{AUX}\b)[\w'’-]+){{0,4}}?|how|when|where|why|whom)"
EMBEDS = re.compile(
    r"(?:(?:please )?(?:can|could|would|will) you (?:please )?)?"
    r"(?:(?:please )?(?:tell|show) (?:me|us)|(?:please )?(?:explain|describe)(?: to me)?"
    r"|(?:do|does) (?:you|anybody|anyone) know|i (?:want|would like|need) to know) (?=\w)",
    re.IGNORECASE,
)
"""What makes indirect questions of those after it, which keep the order of a statement."""
_FEWER = re.compile(
    r"\b(?P<than>with|if (?:there (?:is|are)|i have|you have|it has|it gets)) (?P<less>fewer|less|more)$", re.IGNORECASE
)
_COUNTED = re.compile(rf"how (?:many|much) (?P<things>.+?) {AUX}\b", re.IGNORECASE)
_PERSON = r"(?:i|we|you|one|people|employees?|staff|members?|customers?|visitors?|users?)"
_DONE = re.compile(
    rf"(?:how (?:do|can|could|should|must|may|would) {_PERSON}|how to|(?:can|may|could|must|should) {_PERSON}"
    rf"|(?:am|are) {_PERSON} (?:able|allowed)|do {_PERSON} have) (?:have to |need to |to )?"
    r"(?P<done>(?!be )\w+(?: \S+){1,7})",
    re.IGNORECASE,
)
_IT_TAKES = re.compile(
    r"(?:how (?:long|much(?: time)?)|what) (?:does|will|would) (?:it|this|that) (?:take|cost)$", re.IGNORECASE
)
_NOUN = rf"(?!{PREPOSITION}\b)[\w'’-]+"
_OBJECT = re.compile(
    rf"(?:{ADVERB} {AUX} {_PERSON} |how to |{AUX} {_PERSON} )(?:have to |need to |allowed to )?[a-z]+"
    rf"(?: {PREPOSITION})? (?P<topic>(?:(?:an?|the|my|our|your) )?{_NOUN}(?: {_NOUN}){{0,3}})(?: {PREPOSITION} .+)?",
    re.IGNORECASE,
)
_INDIRECTLY = re.compile(
    rf"(?:what|how|when|where|why|whether) (?P<topic>(?:(?:an?|the|my|our|your) )?{_NOUN}(?: {_NOUN}){{0,2}})"
    r" (?:is|are|means?|costs?|works?|does|was|were|(?:opens?|closes?|lasts?|begins?|ends?))(?: .+)?",
    re.IGNORECASE,
)
_DEFINED = re.compile(
    rf"what (?:is|are) (?P<topic>(?:(?:an?|the) )?{_NOUN}(?: {_NOUN}){{0,3}})(?: (?:in|on|at|with) .+)?", re.IGNORECASE
)
_MEASURED = re.compile(
    r"^the (?:[\w-]+ )?(?:price|cost|range|weight|size|length|height|width|depth|colour|speed|accuracy|capacity|purpose"
    r"|name|number|amount|power|voltage|address) (?:of|for) (?=\S)",
    re.IGNORECASE,
)
"""A quality, after which "it" is what has it."""
_OWNED = re.compile(r"(?<=\w)['’]s? [\w-]+$")
_LACKS_OBJECT = re.compile(
    r"who (?:must |may |can |has to )?(?:approve|pay|sign|check|order|decide|grant|allow)(?:s|es)?(?: for)?$",
    re.IGNORECASE,
)
_ACTS = re.compile(
    rf"(?:{ADVERB} )?{AUX} {_PERSON} (?P<said>[a-z]+)|who (?!{AUX}\b)[a-z]+ (?P<object>.+)", re.IGNORECASE
)
"""What somebody does, or who does something: that says enough alone."""
_NOBODY_DOES = re.compile(
    rf"(?:what|which) [\w-]+(?: [\w-]+)? {AUX} (?:be )?(?:not )?"
    r"(?:\w+(?:ed|en|wn|ne)|kept|met|paid|sent|held|left|put)",
    re.IGNORECASE,
)
"""As in "What documents are needed": of what, stands in the part before."""
_ONE = re.compile(
    r"\b(?:(?P<which>which|what) ones|one)(?= (?:is|are|was|were|do|does|can|has|have)\b|$)", re.IGNORECASE
)
GENERIC = content_stems(
    "need require document paper form cost price fee deadline limit maximum minimum take long pay apply approve allow "
    "allowed happen call contact tell ask inform notify report fill step rule notice condition exception responsible "
    "decide exactly late early long last exception person people procedure process penalty fail expect know do go use "
    "work start end begin change cancel sign submit send bring limit reason result amount total date day hour week "
    "month year employee i manager prior advance possible necessary mean option default"
)
"""What a part may say without naming what it is about."""
_NAME = re.compile(r"(?<=\s)(?!I\b)[A-Z][\w-]*|\d|[`\"“']\S")
_PRONOUN = re.compile(r"\b(?:its|it|them|they|their)\b", re.IGNORECASE)
TAIL = " \t.?!,;"


def completed(part: str, before: str, first: str) -> str | None:
    """Return a part with what it lacks taken from those before it, or None where that cannot be told."""
    bare, about = part.rstrip(TAIL), before.rstrip(TAIL)
    done, counted = _DONE.fullmatch(first.rstrip(TAIL)), _COUNTED.match(about)
    if _FEWER.search(bare):
        return f"{bare} {counted['things']}" if counted else None
    topic = next(iter(_topics(first)), None)
    if topic and _LACKS_OBJECT.fullmatch(bare):
        return f"{bare} {topic}"
    if done and _IT_TAKES.fullmatch(bare):
        return f"{bare} to {done['done']}"
    if _leans(bare):
        candidates = (_named(bare, topic, about) for topic in _topics(about))
        return next((named for named in candidates if named), None)
    if _names_own(bare):
        return part
    if done and content_stems(done["done"]) - GENERIC:
        return f"{bare} to {done['done']}"
    return f"{bare} for {topic}" if topic else None


def _leans(bare: str) -> bool:
    """Tell whether a part refers to what it does not name."""
    if EMBEDS.match(bare):
        return refers_back(EMBEDS.sub("", bare, count=1))
    return needs_history(as_sentence(bare)) or bool(_ONE.search(bare))


def _topics(about: str) -> list[str]:
    """Return what a question may be about, by its form, the likeliest first."""
    about = about.rstrip(TAIL)
    bare = EMBEDS.sub("", about, count=1)
    found = (_DEFINED.fullmatch(bare), _OBJECT.fullmatch(bare), _INDIRECTLY.fullmatch(bare) if bare != about else None)
    topics = topics_of(bare) + [match["topic"].strip() for match in found if match]
    if counted := _COUNTED.match(bare):
        topics += [counted["things"].split(" of ")[-1]]
    topics = [_OWNED.sub("", _MEASURED.sub("", topic)) for topic in topics if content_stems(topic) - GENERIC]
    return topics + [
        topic.split(f" {word} ", 1)[1] for topic in topics for word in ("of", "for") if f" {word} " in topic
    ]


def _named(bare: str, topic: str, about: str) -> str | None:
    """Return a part with its one "it", "its" or "one" replaced by a topic, or None where another may be meant."""
    if one := _ONE.search(bare):
        singular = re.match(r"an? ", topic)
        if bool(one["which"]) == bool(singular):
            return None
        return bare[: one.start()] + (f"{one['which']} {topic}" if one["which"] else topic) + bare[one.end() :]
    found = list(_PRONOUN.finditer(bare))
    if len(found) != 1 or not agrees(topic, found[0].group().casefold(), about):
        return None
    own = found[0].group().casefold() in {"its", "their"}
    if own and re.search(r" (?:of|for) ", topic):
        return None
    for said in re.findall(rf" {PREPOSITION} ", bare[found[0].end() :]):
        topic = topic.split(said)[0]
    named = bare[: found[0].start()] + topic + ("'s" if own else "") + bare[found[0].end() :]
    return None if _leans(named) else named


def _names_own(part: str) -> bool:
    """Tell whether a part names what it is about: by a name, a number, or words that say more than what is asked."""
    if _NAME.search(part):
        return True
    if _NOBODY_DOES.fullmatch(part):
        return False
    acts = _ACTS.match(part)
    own = content_stems(part) - GENERIC
    return len(own) >= LEAST_OWN_WORDS or bool(acts and content_stems(acts["said"] or acts["object"]) & own)


def as_sentence(part: str) -> str:
    part = part.strip().rstrip(TAIL)
    return f"{part[:1].upper()}{part[1:]}?"
