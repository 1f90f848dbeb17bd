"""Which words a faithful text may hold: any ordinary word, but numbers, dates and names only of its sources.

A word is *guarded* if it holds a capital or a digit, or is a number word, a month or a weekday. A guarded word may be
written where the sources or the question have it, however they capitalise it. A number may take another form of the
same value (1200 for 1,200; two for 2). A capital alone makes no name at the beginning of a sentence, where any common
word may stand. Capitals tell names apart in English and its kin; in German, all nouns would count as names.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice, takewhile

JOINERS = ".,:/–’'-"
"""What stands within a number: 1,200.50, 9:30, 2024-01-15, 10–12."""
WORD = re.compile(rf"\d+(?:[{JOINERS}]\d+)*\w*%?|\w+")
GROWING = re.compile(rf"(?:(?<!\w)\d+[{JOINERS}](?:\d+[{JOINERS}])*)?\w*$")
"""The word that a text ends in, or the number that may go on after its last joiner."""
MARK = re.compile(r"\[[1-9]\d?\]")
"""The number of a source, as in "[1]", is no number of the text."""
OPEN_MARK = re.compile(r"\[([1-9]\d?)?$")
SENTENCE_END = frozenset(".!?:;…\n")

UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split()
UNITS += "seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = dict(enumerate("third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), start=3))
VALUES = {word: value for value, word in enumerate(UNITS)} | {word: 10 * n for n, word in enumerate(TENS, start=2)}
AMBIGUOUS = frozenset(["zero", "one"])
"""Words that are more often no number."""
GUARDED = (
    (frozenset(VALUES) | frozenset(ORDINALS.values())) - AMBIGUOUS
    | frozenset("hundred hundreds thousand thousands million millions billion billions trillion dozen dozens".split())
    | frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
    | frozenset("january february april june july august september october november december".split())
)
CAPITAL_MONTHS = frozenset(["march", "may"])
"""Months only with a capital."""
LONGEST_NUMBER = 15
CAPITAL_OR_DIGIT = re.compile("[A-Z0-9]")
RANGE = re.compile(r"(?<!\d)(\d+)\s*(?:to|and|[-–])\s*(\d+)")
"""From the beginning of a number only: within a long one, every start would be tried to its end."""
PERCENT = re.compile(r"\s?(?:%|per ?cent\b)")
COMPOUND = re.compile(rf"\b({'|'.join(TENS)})[- ]({'|'.join(UNITS[1:10])})\b")
THOUSANDS = re.compile(r"\d{1,3}(?:[,’']\d{3})+(?:\.\d+)?")
NUMBER = re.compile(r"\d+(?:[.,:’']\d+)*")
FUNCTION_WORDS = frozenset(
    """a about after all also although an and another any are as at because before between both but by can could do
    does during each either every for from had has have he her here his how however i if in instead into is it its
    many may more most much must neither no none nor not of on only or other our over several she should since so some
    such than that the their then there therefore these they this those though through thus to under unless until up
    upon was we were what when where whether which while who why will with within without would yes yet you your
    """.split()
) - CAPITAL_MONTHS  # fmt: skip


class Lexicon:
    """Words in lower case that can be looked up by how they begin."""

    def __init__(self, words: Iterable[str]) -> None:
        self.words = frozenset(words)
        self._sorted = sorted(self.words)

    def beginning_with(self, prefix: str) -> list[str]:
        """Return the words that begin so, that which is no longer included."""
        later = islice(self._sorted, bisect_left(self._sorted, prefix), None)
        return list(takewhile(lambda word: word.startswith(prefix), later))

    def has_beginning(self, prefix: str) -> bool:
        """Tell whether any word begins so."""
        place = bisect_left(self._sorted, prefix)
        return place < len(self._sorted) and self._sorted[place].startswith(prefix)


class Faithful:
    """Tells which texts are faithful to ``sources``; ``common`` are the words that may begin a sentence anyway."""

    def __init__(self, sources: str, common: Lexicon) -> None:
        self.allowed = Lexicon(allowed_words(sources))
        self.common = common

    def permits(self, text: str) -> bool:
        """Tell whether a text is faithful so far: its last word may still grow into one that may end."""
        for match in WORD.finditer(text):
            word, begins = match.group(), begins_sentence(text[: match.start()])
            if not is_guarded(word) or _is_mark(text, match):
                continue
            rest = text[match.start() :]
            if match.end() == len(text):
                fits = self.may_grow(word, begins=begins)
            else:
                fits = self.may_end(word, begins=begins) or self._is_half_a_number(rest)
            if not fits:
                return False
        return True

    def may_end(self, word: str, *, begins: bool) -> bool:
        """Tell whether this may be a whole word; ``begins`` says that it begins a sentence."""
        folded = word.lower()
        return (
            not is_guarded(word)
            or folded in self.allowed.words
            or word == "I"
            or (begins and is_capitalised(word) and folded in self.common.words)
        )

    def may_grow(self, word: str, *, begins: bool) -> bool:
        """Tell whether a word that may be whole begins with this."""
        folded = word.lower()
        return (
            not is_guarded(word)
            or self.allowed.has_beginning(folded)
            or word == "I"
            or (begins and is_capitalised(word) and self.common.has_beginning(folded))
        )

    def _is_half_a_number(self, rest: str) -> bool:
        return GROWING.fullmatch(rest) is not None and self.allowed.has_beginning(rest.lower())


def is_guarded(word: str) -> bool:
    """Tell whether a word may be written only if the sources have it."""
    if word.isascii():
        return word in GUARDED or CAPITAL_OR_DIGIT.search(word) is not None
    return any(unicodedata.category(c) in {"Lu", "Lt", "Nd", "Nl", "No"} for c in word)


def is_capitalised(word: str) -> bool:
    """Tell whether a word is one with a single capital, its first letter."""
    return word.isalpha() and word[:1].isupper() and word[1:] == word[1:].lower()


def begins_sentence(before: str) -> bool:
    """Tell whether the next word begins a sentence, after the text ``before`` it."""
    bare = MARK.sub("", before)
    words_end = len(bare)
    while words_end and not (bare[words_end - 1].isalnum() or bare[words_end - 1] == "_"):
        words_end -= 1
    return words_end == 0 or any(c in SENTENCE_END for c in bare[words_end:])


def allowed_words(sources: str) -> frozenset[str]:
    """Return the words of the sources in lower case, and their numbers in other forms of the same value."""
    found = set[str]()
    for match in WORD.finditer(sources):
        word = match.group().lower()
        found.add(word)
        if word[0].isdigit():
            found |= _number_forms(word)
            if PERCENT.match(sources, match.end()):
                found.add(f"{word}%")
        elif word in VALUES and word not in AMBIGUOUS:
            found.add(str(VALUES[word]))
    folded = sources.lower()
    found |= {f"{low}{dash}{high}" for low, high in RANGE.findall(folded) for dash in "-–"}
    found |= {str(VALUES[tens] + VALUES[unit]) for tens, unit in COMPOUND.findall(folded)}
    found |= {f"{value}th" if value > 3 else "3rd" for value, word in ORDINALS.items() if word in found}
    return frozenset(found)


def _number_forms(word: str) -> set[str]:
    """Return a number without its percent sign, unit or ordinal ending, its parts, and each as it may also stand."""
    forms = {word.removesuffix("%")}
    for part in re.split("[-/–]", word):
        match = NUMBER.match(part)
        if match is None or len(part) > LONGEST_NUMBER:
            continue
        number = match.group()
        forms |= {number, number.lstrip("0") or "0"}
        if THOUSANDS.fullmatch(number):
            forms.add(re.sub("[,’']", "", number))
        elif number.isdecimal():
            value = int(number)
            forms |= {f"{value:,}"} if value >= 1000 else _in_words(value, ordinal=part[len(number) :])
        elif number.endswith(":00"):
            forms.add(number[:-3].lstrip("0") or "0")
    return forms


def _in_words(value: int, *, ordinal: str) -> set[str]:
    words = {word for word, held in VALUES.items() if held == value}
    if value > 20 and value < 100 and value % 10:
        words |= {TENS[value // 10 - 2], UNITS[value % 10]}
    if ordinal in {"rd", "th"} and value in ORDINALS:
        words.add(ORDINALS[value])
    return words


def _is_mark(text: str, match: re.Match[str]) -> bool:
    if not MARK.fullmatch(f"[{match.group()}]") or text[match.start() - 1 : match.start()] != "[":
        return False
    return text[match.end() : match.end() + 1] in {"", "]"}
