"""Make a follow-up question stand alone, so that it can be searched for.

Rules come first. A full question loses its "And". Another value goes where the question before has one obvious
place for it ("And for Italy?"), or to its end ("And in Italy?", "What if I am ill?"). A pronoun gives way to what the
question before was about, where its form shows that ("Can I carry them over?"). Otherwise a language model rewrites
the question, and its rewrite counts only if every word of it comes from the conversation and none of the question's
own is lost. What is left is joined to the question before.
"""

import re
from collections.abc import Callable, Sequence

from rag_app.answering.conversation import needs_history, refers_back, without_conjunction
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
_AND = r"^\s*(?:(?:and|but|or|so|then|also|ok|okay|yes|no)\b,?\s*)*"
_END = r"\s*(?:then|instead|too|as well)?\s*[?.!]*\s*$"
_PREPOSITION = "for|in|at|on|with|without|from|during|after|before|by|under|within|until|per|outside|inside|since"
_ELLIPSIS = re.compile(
    rf"{_AND}(?:(?:what|how)\s+about\s+)?(?P<preposition>{_PREPOSITION})\s+(?P<value>.+?){_END}", re.IGNORECASE
)
_ABOUT = re.compile(rf"{_AND}(?:what|how)\s+about\s+(?P<value>.+?){_END}", re.IGNORECASE)
_WHAT_IF = re.compile(rf"{_AND}(?:what|how about)\s+(?P<clause>(?:if|when)\s+\S.+?){_END}", re.IGNORECASE)
_NO_VALUE = frozenset(
    """i you we he she it they me him her us them this that these those there here who whom what which whose where when
    why how is are was were be been do does did can could may might must will would shall should has have had if one
    ones first second third last other others same else example instance detail details now sure
    its their his hers whose""".split()
)
"""A phrase with one of these names no value of its own."""
_VALUE_WORDS = 5
_TIME = re.compile(
    r"\d|\b(?:january|february|march|april|may|june|july|august|september|october|november|december|\w+day|weekends?"
    r"|spring|summer|autumn|winter)\b",
    re.IGNORECASE,
)
_VERB = r"(?:is|are|was|were|do|does|did|can|could|may|must|will|would|should|has|have|had)"
_ASKING = r"(?:why|when|where|how(?: (?:much|many|long|often|far|soon|old|big|large|heavy|high|fast))?)"
_PREDICATE = r"(?:open|closed|due|late|free|allowed|paid|valid|available|ready|delayed|delivered|included|required)"
_DETERMINER = r"(?:the|an?|my|our|your)"
_NOUN = r"(?:(?!(?:of|for|in|at|on|to|with|by|from|after|before|than|and|or|if|when|as|per|about)\b)\S+)"
_NOUNS = rf"{_NOUN}(?: {_NOUN}){{0,3}}?"
_NAMED = r"(?:the )?(?-i:[A-Z]\S*(?: [A-Z0-9]\S*)*)"
_THING = rf"(?P<topic>{_DETERMINER} {_NOUNS})"
_TAIL = r"(?: (?:home|back|off|out|up|down|away|over|abroad))?(?: (?:in|at|on|for|with|by|from|to|after|before) .+)?"
_ALONE = r"(?:cost|last|take|weigh|open|close|start|begin|end|expire|run|leave|arrive|stop|work|apply|happen)"
"""Verbs that need nothing after them, so that what stands before them is whole."""
_TOPICS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"how (?:many|much) .+? (?:do|does|did) (?P<topic>(?:the |an? )?{_NOUNS})"
        rf" (?:have|contain|hold|include|use){_TAIL}",
        rf"how (?:many|much) (?:\w+ of )?(?P<topic>{_NOUNS}) {_VERB} .+",
        rf"who(?: is| are| was| were|'s|’s) the \w+ (?:of|for) (?P<topic>{_DETERMINER} \S.*)",
        rf"(?:what|how much|where)(?: is| are| was| were|'s|’s) (?P<topic>{_DETERMINER} \S.*?)(?: about| for)?",
        rf"(?:what|which) (?:colour|size|shape|material|type|kind) (?:is|are|was|were) (?P<topic>{_DETERMINER} \S.*)",
        rf"{_ASKING} (?:is|are|was|were) {_THING} {_PREDICATE}{_TAIL}",
        rf"(?:when|how (?:long|big|large|heavy|high|old|fast|far)) (?:is|are|was|were) {_THING}",
        rf"(?:{_ASKING} )?(?:will|can|must|should|may|could|would|has|have|had) {_THING} (?:be|been) .+",
        rf"(?:{_ASKING}|what) (?:do|does|did|will|can) {_THING} {_ALONE}{_TAIL}",
        rf"(?:(?:{_ASKING}|what) )?(?:does|did|will|can) (?P<topic>{_NAMED}) [a-z]+(?: .+)?",
        rf"what (?:do|does|did) (?P<topic>{_NOUNS}) (?:do|mean|say|cost|measure|cover|include|contain|weigh)",
        rf"(?:{_ASKING} |what )?(?:do|does|did|can|may|must|should|will|to) (?:(?:i|we|you|one|employees|staff) )?"
        rf"(?!have\b)[a-z]+ {_THING}{_TAIL}",
        rf"who (?!{_VERB}\b)[a-z]+ (?:(?:on|for) )?(?P<topic>(?:{_DETERMINER} )?{_NOUNS}){_TAIL}",
        r"(?:please )?(?:tell me about|explain|describe|summari[sz]e) (?P<topic>\S.*)",
        rf"(?:is|are|was|were) (?P<topic>(?:{_DETERMINER} )?{_NOUNS}) {_PREDICATE}{_TAIL}",
    )
)
"""Forms of a question that show what it is about."""
_TOPIC_WORDS = 8
_PRONOUN = re.compile(r"\b(it|its|they|them|their|he|him|his|she|her|this|that|these|those)\b(?!['’])", re.IGNORECASE)
_PEOPLE = re.compile(
    r"\b(?:who|employees?|managers?|people|staff|members?|\w{2,}(?:ers|ors|ees|ists|ants|men))\b", re.IGNORECASE
)
_QUALITY = re.compile(
    r"(?:the|its) (?:[\w-]+ ){0,2}?(?:warranty|guarantee|range|weight|size|accuracy|capacity|length|height|width|depth"
    r"|colour|speed|consumption|life|lifetime|angle|voltage|power) (?:of|on|for) (?P<thing>(?:the )?[A-Z0-9].*)"
)
_OF_THINGS = re.compile(r"\b(?:costs?|weighs?|buy|order|install|use|return|repair)\b", re.IGNORECASE)
"""What is done with a thing, and not with its warranty."""
_DOES = re.compile(
    r"(?:does|can|has)\b(?!.*\b(?:cover|include|expire|apply|last|end|change|extended)\b)", re.IGNORECASE
)
_SO = re.compile(r"\bit (?:\w+ )?(?:true|right|correct|possible|so|different|certain|sure|wrong)\b", re.IGNORECASE)
"""An "it" that stands for what was said, not for a thing."""
_PERSON_NOUN = re.compile(
    r"(?:employee|manager|person|contractor|supplier|plumber|customer|author|owner|director|member|user|intern|head"
    r"|colleague)s?|people|staff|boss",
    re.IGNORECASE,
)
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
    question = without_conjunction(without_greeting(question))
    turns = _without_talk(history)
    anchor = _last_standalone([m.content.strip() for m in turns if m.role == "user"])
    if anchor is None or not needs_history(question):
        return question
    if filled := fill_slot(question, anchor):
        return filled
    if named := _name_person(question, turns):
        return named
    if ruled := _extend(question, anchor) or name_topic(question, anchor):
        return ruled
    if rewrite:
        written = rewrite(question, turns)
        if is_faithful(written, question, turns):
            return written
    return _ask_for_value(question, anchor) or f"{anchor} {question}"


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


def has_asked(history: Sequence[Message]) -> bool:
    """Tell whether anything was asked of the documents before, so that a follow-up has something to lean on."""
    return bool(_without_talk(history))


def _without_talk(history: Sequence[Message]) -> list[Message]:
    turns: list[Message] = []
    for turn in history:
        said = turn.role == "user" and small_talk(turn.content, follows=bool(turns))
        if turn.content.strip() and not said and turn.content not in REPLIES.values():
            turns.append(turn)
    return turns


def _last_standalone(asked: Sequence[str]) -> str | None:
    """Return the last question as the rules understand it, each made to stand alone by those before it."""
    anchor: str | None = None
    for question in (without_conjunction(without_greeting(q)) for q in asked):
        if anchor is None or not needs_history(question):
            anchor = question
        else:
            meant = fill_slot(question, anchor) or _extend(question, anchor) or name_topic(question, anchor)
            anchor = meant or anchor
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


def _extend(question: str, anchor: str) -> str | None:
    """Return the last question with the place, time or condition of a follow-up: "And in Lindhafen?", "What if ...?".

    It takes the place of the last question's own where that ends the question with the same preposition.
    """
    asked = anchor.rstrip(" .!?")
    if (found := _WHAT_IF.match(question)) and not re.search(r" (?:if|when)\b", asked, re.IGNORECASE):
        extended = f"{asked} {found['clause'][:1].lower()}{found['clause'][1:]}?"
        return None if refers_back(extended) else extended
    found = _ELLIPSIS.match(question)
    if not found or not _is_value(found["value"]):
        return None
    preposition, value = found["preposition"].lower(), found["value"]
    own = re.search(rf"\b{preposition} (?P<value>\S+(?: \S+){{0,3}})$", asked, re.IGNORECASE)
    others = len(re.findall(rf"\b{preposition}\b", asked, re.IGNORECASE))
    if own and others == 1 and bool(_TIME.search(own["value"])) == bool(_TIME.search(value)):
        if not _is_value(own["value"]) or re.search(rf"\b(?:{_PREPOSITION}|of|to)\b", own["value"], re.IGNORECASE):
            return None
        asked = asked[: own.start()].rstrip()
    return f"{asked} {preposition} {value}?"


def _ask_for_value(question: str, anchor: str) -> str | None:
    """Return the last question asked for what a follow-up names without a preposition: "What about contractors?"."""
    found = _ABOUT.match(question)
    if not found or not _is_value(found["value"]) or re.search(r"\bfor\b", anchor, re.IGNORECASE):
        return None
    return f"{anchor.rstrip(' .!?')} for {found['value']}?"


def _is_value(phrase: str) -> bool:
    words = re.findall(r"[\w'’-]+", phrase.casefold())
    return 0 < len(words) <= _VALUE_WORDS and not _NO_VALUE & set(words)


def name_topic(question: str, anchor: str) -> str | None:
    """Return the question with its one pronoun replaced by what the last question was about, if its form shows that."""
    found = list(_PRONOUN.finditer(question))
    pronoun = found[0].group().casefold() if len(found) == 1 else ""
    if pronoun not in {"it", "its", "they", "them", "their"} or _SO.search(question):
        return None
    if pronoun == "they" and _PEOPLE.search(anchor):
        return None
    topic = next((t for t in topics_of(anchor) if agrees(t, pronoun, anchor)), None)
    if topic is None:
        return None
    quality = _QUALITY.fullmatch(topic)
    if quality and (_OF_THINGS.search(question) or _DOES.match(question)):
        topic = quality["thing"] if quality["thing"].startswith("the ") else f"the {quality['thing']}"
    if pronoun in {"its", "their"}:
        topic += "'" if topic.endswith("s") else "'s"
    place = found[0]
    topic = topic if place.start() else topic[:1].upper() + topic[1:]
    named = question[: place.start()] + topic + question[place.end() :]
    named = without_conjunction(named)
    return None if needs_history(named) else named


def topics_of(anchor: str) -> list[str]:
    """Return what a question may be about by its form, the likeliest first."""
    asked = without_conjunction(anchor).strip().rstrip(" .!?")
    found = (pattern.fullmatch(asked) for pattern in _TOPICS)
    topics = [match["topic"].strip() for match in found if match]
    return [t for t in topics if len(t.split()) <= _TOPIC_WORDS and not set(t.casefold().split()) & _NO_VALUE]


def agrees(topic: str, pronoun: str, anchor: str) -> bool:
    """Tell whether a pronoun may stand for a topic: "it" for one thing, "them" for several or for a counted one."""
    head = re.split(r" (?:of|for|in|on|at|with|to|from|by) ", topic)[0].split()
    several = (
        head[-1].endswith("s") and not head[-1].endswith(("ss", "us", "is")) and head[0].lower() not in {"a", "an"}
    )
    counted = bool(re.match(rf"how many \w+ of {re.escape(topic)}\b", anchor, re.IGNORECASE))
    if _PERSON_NOUN.fullmatch(head[-1]):
        return False
    return several or counted if pronoun in {"they", "them", "their"} else not several
