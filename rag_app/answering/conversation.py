"""Tell whether a question can be understood without the conversation before it.

A pronoun alone is no sign: "How long is a laptop used before it is replaced?" says what it means. What a pronoun may
refer to within its question follows binding theory in short (Chomsky 1981): "its" may refer to whatever is named
before it, "it" only to what is named in another clause.
"""

import re
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[,;.!](?=\s)")
_AUXILIARIES = frozenset(
    """is are was were am be been do does did can could may might must will would shall should has have had isn't
    aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't hasn't haven't hadn't mustn't
    cannot what's who's where's when's how's that's it's there's""".split()
)
_PREPOSITIONS = frozenset(
    """for in at on with without from to during after before about by under until till since of than like besides into
    through over between against towards within""".split()
)
_DETERMINERS = frozenset("a an the my your our every each any no some all both one two three".split())
_BOUNDARIES = frozenset(
    """, ; . ! if when whenever once after before until till unless while because since although though that which who
    whose where whether and but or so""".split()
)
_SUBORDINATING = frozenset("if when whenever once until unless while because although whether".split())
_PERSONS = frozenset("someone somebody anyone anybody everyone everybody nobody people staff who".split())
_PERSON_ENDINGS = ("er", "or", "ee", "ist", "ian", "ant", "man", "person", "boss", "head", "child", "wife", "husband")
_HUMAN = frozenset("he him his she her hers".split())
_PRONOUNS = frozenset("i you we he she it they me him her us them one this that these those there".split())
_POSSESSIVE = frozenset("its their theirs his hers".split())
_PERSONAL = frozenset("it they them he him she".split())
_EMPTY_IT = frozenset(
    """take takes cost costs possible allowed permitted necessary required mandatory compulsory ok okay forbidden legal
    safe better best important true advisable worth easy hard difficult common normal mean rain rains snow snows
    urgent late""".split()
)
_OPENING = frozenset(
    """and but or so then also plus otherwise really more continue explain elaborate yes yeah yep no nope ok okay sure
    instead""".split()
)
_OPENING_PHRASES = tuple(
    phrase.split()
    for phrase in (
        "what about|how about|what if|any other|why not|why so|how so|how come|tell me more|go on|such as|like what|"
        "like who|for example|for instance|not really|in that case|anything else|what else"
    ).split("|")
)
_EXCEPTING = frozenset("than besides except aside apart addition".split())
"""They say themselves what something else is other than."""
_CLOSING = frozenset("too either instead then otherwise else next afterwards again though".split())
_POINTED_AT = frozenset(
    """year month week quarter morning afternoon evening day weekend summer winter spring autumn century company
    organisation organization document handbook manual site website page app library""".split()
)
"""What "this" points at in the world, not in the conversation."""
_ORDINALS = frozenset("first second third fourth fifth last other former latter".split())
_QUESTION_WORDS = frozenset("who whom what which whose where when why how".split())
_CONJUNCTION = re.compile(r"\s*(?:and|but|so|then|ok|okay|also|plus|well|yes|no)\b(?![-'’])\s*[,:]?\s*", re.IGNORECASE)
_LINKING = frozenset("is are was were am there what's who's where's".split())
_ASKED_OF = frozenset(
    """price cost fee rate deadline limit maximum minimum owner author reason amount number total date time duration
    length size weight address penalty exception exceptions condition conditions requirement requirements answer
    difference advantage advantages disadvantage alternative alternatives procedure process result
    consequence""".split()
)
"""What is always that of something: alone after "And", it is that of what went before."""
_WEAK = frozenset(
    "get got have happen happens go done more less longer off out up down not much many long often".split()
)
"""Words that say too little to make a question whole."""
_BARE = re.compile(
    r"(?:and |but |so |ok |please |(?:can|could|would|will) you |do you |you )*(?:please )?(?:"
    r"why|why not|why so|why is that|how so|how come|then|then what|what then|what next|what now|so what|really"
    r"|(?:are you |is it |you )?(?:really |quite |very )?(?:sure|certain|positive)"
    r"|(?:are you )?sure about (?:that|it|this)"
    r"|(?:have|give|show|tell|name)(?: me| us)?(?: an?| some| any| one| another| more| the| a few)?(?: more| further)?"
    r" (?:examples?|instances?|details?|detail|reasons?|information|info)"
    r"|(?:an?|some|any|another|more|further) (?:examples?|details?|information|reasons?)|(?:for )?(?:example|instance)"
    r"|in (?:more )?detail|tell (?:me|us) more|go on|more|explain|elaborate|continue|explain (?:it|that|this|why)"
    r"|how do you know|says who|according to (?:whom|who|what)|what do you mean|prove (?:it|that)|since when|what else"
    r"|anything else|where does (?:it|that) say (?:so|that)|again|repeat|say (?:that|it) again|and"
    r")(?: then| please| exactly| again)*"
)
_FRAGMENT_WORDS = 3
_ELLIPTIC_WORDS = 4
_PHRASE_WORDS = 5


def needs_history(question: str) -> bool:
    """Tell whether a question cannot be understood without the conversation before it."""
    if without_conjunction(question) != question:
        return False
    written = _written(question)
    spoken = _spoken(written)
    return bool(spoken) and (is_bare_follow_up(question) or _leans(spoken) or _is_fragment(spoken) or _refers(written))


def is_bare_follow_up(message: str) -> bool:
    """Tell whether a message only asks on, whatever went before: "Why?", "Are you sure?", "Give me an example"."""
    return bool(_BARE.fullmatch(" ".join(_spoken(_written(message)))))


def without_conjunction(question: str) -> str:
    """Return a question without the "and", "but" or "so" before it, where what is left says all that it means.

    Otherwise the question comes back as it is: "And for Italy?" means nothing without its "And".
    """
    start = 0
    while found := _CONJUNCTION.match(question, start):
        start = found.end()
    if not start or start == len(question):
        return question
    rest = question[start:]
    if not _is_whole(_spoken(_written(rest))) or needs_history(rest):
        return question
    return rest[:1].upper() + rest[1:] if question.lstrip()[:1].isupper() else rest


def refers_back(question: str) -> bool:
    """Tell whether some word of a question refers to what the question does not name."""
    return _refers(_written(question))


def _written(question: str) -> list[str]:
    return _WORD.findall(question.replace("’", "'"))


def _spoken(written: list[str]) -> list[str]:
    return [word.casefold() for word in written if word[0].isalnum()]


def _is_whole(words: list[str]) -> bool:
    """Tell whether words ask with a question word or a verb of their own, about something that they name."""
    asking = next((place for place, word in enumerate(words[:2]) if word in _QUESTION_WORDS | _AUXILIARIES), None)
    if asking is None or (asking == 1 and words[0] not in _PREPOSITIONS):
        return False
    if not _AUXILIARIES & set(words) and words[asking] not in {"who", "what"}:
        return False
    loose = _AUXILIARIES | _PREPOSITIONS | _DETERMINERS | _PRONOUNS | _BOUNDARIES | _QUESTION_WORDS | _WEAK
    named = [place for place, word in enumerate(words) if word not in loose]
    if len(named) != 1:
        return len(named) > 1
    # One word is a verb ("And where do I apply?") unless "is" or an article stands before it.
    place = named[0]
    return words[place] not in _ASKED_OF and _at(words, place - 1) in _LINKING | _DETERMINERS


def _refers(written: list[str]) -> bool:
    words = [word.casefold() for word in written]
    return any(_points_back(written, words, i) or _lacks_antecedent(written, words, i) for i in range(len(words)))


def _leans(words: list[str]) -> bool:
    """Tell whether a question opens or closes as what goes on from something."""
    short = len(words) <= _PHRASE_WORDS and words[0] in {"besides", "except", "apart", "aside", "other"}
    if short or words[0] in _OPENING or any(words[: len(phrase)] == phrase for phrase in _OPENING_PHRASES):
        return True
    if words[-1] in _CLOSING or words[-2:] == ["as", "well"]:
        return True
    other = "else" in words or any(a in {"any", "what", "which", "some"} and b == "other" for a, b in pairwise(words))
    return other and not _EXCEPTING & set(words)


def _is_fragment(words: list[str]) -> bool:
    """Tell whether a question lacks its verb, as in "Since when?", "In Norway?" and "How many days?"."""
    if len(words) <= 2:
        return True
    if any(word in _AUXILIARIES for word in words):
        return False
    opening = next((place for place, word in enumerate(words[:3]) if word in _QUESTION_WORDS), None)
    if opening is None:
        # Three words that all carry meaning are a search: "minimum password length".
        loose = _DETERMINERS | _PREPOSITIONS | _PRONOUNS
        few = len(words) <= _FRAGMENT_WORDS and bool(loose & set(words))
        return few or (words[0] in _PREPOSITIONS and len(words) <= _PHRASE_WORDS)
    if words[opening] in {"who", "what"} and opening == 0:
        return False
    return len(words) <= _ELLIPTIC_WORDS and "to" not in words[opening:]


def _points_back(written: list[str], words: list[str], place: int) -> bool:
    """Tell whether a word points at something said before: "that", "the second one", "there"."""
    word, before, after = words[place], _at(words, place - 1), _at(words, place + 1)
    if word in {"this", "these"}:
        return after not in _POINTED_AT and not _names_before(written, words, place)
    if word == "those":
        told = after in {"who", "which", "that", "with", "whose", "in", "of"}
        return not told and not _names_before(written, words, place)
    if word == "that":
        pronoun = place == 0 or before in _AUXILIARIES | _PREPOSITIONS
        return pronoun and not _names_before(written, words, place)
    if word == "there":
        return before not in _AUXILIARIES and after not in _AUXILIARIES
    if word in {"one", "ones"}:
        chosen = {before, _at(words, place - 2)} & {"which", "that", "this", "the", "another", "other"}
        ends = after in {"", ","} or after in _AUXILIARIES | _PREPOSITIONS - {"of"}
        return bool(chosen) and ends and not _names_before(written, words, place)
    if before == "the":
        return (word in _ORDINALS and after in {"", ",", "one", "ones", "option"}) or (
            word in {"same", "others"} and "as" not in words[place:] and after not in {"day", "time"}
        )
    return False


def _lacks_antecedent(written: list[str], words: list[str], place: int) -> bool:
    """Tell whether a word is a pronoun for something that its own question does not name."""
    word = words[place]
    possessive = word in _POSSESSIVE or (word == "her" and _at(words, place + 1) not in {"", ","} | _PREPOSITIONS)
    if not possessive and word not in _PERSONAL | {"her"}:
        return False
    if word == "it" and _is_empty(words, place):
        return False
    if possessive:
        return not any(_may_mean(written, words, i, word) for i in range(place))
    return not _names_before(written, words, place)


def _names_before(written: list[str], words: list[str], place: int) -> bool:
    """Tell whether what a word may refer to is named in a clause before its own."""
    reach = max((i for i in range(place) if words[i] in _BOUNDARIES), default=0)
    return any(_may_mean(written, words, i, words[place]) for i in range(reach))


def _may_mean(written: list[str], words: list[str], place: int, pronoun: str) -> bool:
    """Tell whether a pronoun may refer to what stands at a place before it."""
    if not _is_named(written, words, place, plural=pronoun not in {"it", "its"}):
        return False
    person = words[place] in _PERSONS or words[place].endswith(_PERSON_ENDINGS) or written[place][:1].isupper()
    return person or pronoun not in _HUMAN


def _is_empty(words: list[str], place: int) -> bool:
    """Tell whether an "it" stands for nothing, as in "How long does it take to charge?"."""
    after = words[place + 1 : place + 4]
    if not _EMPTY_IT & set(after):
        return False
    return bool({"to", "that", "if", "for", "when"} & set(words[place + 2 :])) or bool(
        {"rain", "rains", "snow", "snows"} & set(after)
    )


def _is_named(written: list[str], words: list[str], place: int, *, plural: bool) -> bool:
    """Tell whether a thing or person is named at a place, as far as its form shows."""
    word, before = words[place], _at(words, place - 1)
    if word in _PERSONS:
        return True
    if word in _PRONOUNS | _AUXILIARIES | _BOUNDARIES | _PREPOSITIONS | _QUESTION_WORDS:
        return False
    if before in _DETERMINERS | _SUBORDINATING or (place > 0 and written[place][:1].isupper()):
        return True
    if before in {"which", "what", "whose"} and _at(words, place + 1) in _AUXILIARIES:
        return True
    return plural and len(word) > 3 and word.endswith("s") and before not in {"who", "what", "that", "it"}


def _at(words: list[str], place: int) -> str:
    return words[place] if 0 <= place < len(words) else ""
