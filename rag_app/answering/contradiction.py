"""Find two documents that answer a question with different values, such as two versions of a policy.

A false alarm is worse than a miss. So two passages disagree only where both answer with confidence, their sentences
say nearly the same of the same thing but for the value, and neither is about something of its own: another product,
office or group of people. All of this is read off the words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag_app.answering.confidence import YES_NO
from rag_app.answering.dates import MONTHS, is_newer
from rag_app.answering.grounding import quote_around
from rag_app.answering.weighing import Weighed, asks_for_old, is_superseded
from rag_app.answering.wording import STOP_WORDS, Quantity, content_stems, quantities, stem
from rag_app.records import Passage, heading_path

DISAGREE = "The documents disagree; the newest is shown first."
SUPERSEDED_DISAGREES = "An older document, which says that it is superseded, says otherwise; it is shown second."
COMPARED = 6
"""How many of the best passages are compared with the first."""
LEAST_ALIKE = 0.5
"""Share of words that two sentences of versions of one document have in common, their values apart."""
LEAST_ALIKE_ELSEWHERE = 0.7
LEAST_ASKED = 3
"""Of the question's words, in each of two sentences of documents that are no versions of each other."""
MOST_NAME_WORDS = 4
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_CELL = re.compile(r"[^;:\n]{1,60}: ")
_MONTH = re.compile(rf"\b(?:{'|'.join(name.capitalize() for name in MONTHS)})\b")
"""In small letters, "may" and "march" are other words."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_KIND_OF_DOCUMENT = content_stems(
    "policy policies rule rules guide handbook manual document version revision edition draft final archive archived "
    "old new current superseded valid md txt pdf docx html csv v1 v2 v3 v4 v5"
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two passages that answer differently, the newer first, and what to say about it."""

    newer: Weighed
    older: Weighed
    note: str


def find_disagreement(question: str, weighed: Sequence[Weighed], *, threshold: float) -> Disagreement | None:
    """Return the best passage and the first one that contradicts it, if one does.

    Args:
        question: made to stand alone. One that asks for yes or no, or for what was once so, is not looked into.
        weighed: the passages, best first.
        threshold: the confidence that both need.
    """
    if not weighed or YES_NO.match(question) or asks_for_old(question):
        return None
    best = weighed[0]
    for other in weighed[1:COMPARED]:
        if min(best.confidence, other.confidence) >= threshold and _contradict(question, best, other, weighed):
            return _ordered(best, other)
    return None


def _ordered(best: Weighed, other: Weighed) -> Disagreement:
    stale = [is_superseded(w.passage) for w in (best, other)]
    if stale[0] != stale[1]:
        newer, older = (other, best) if stale[0] else (best, other)
        return Disagreement(newer, older, SUPERSEDED_DISAGREES)
    # Where nothing tells, the better answer comes first.
    newer, older = (other, best) if is_newer(other.passage, best.passage) else (best, other)
    return Disagreement(newer, older, DISAGREE)


def _contradict(question: str, one: Weighed, other: Weighed, all_weighed: Sequence[Weighed]) -> bool:
    if one.span is None or other.span is None or one.passage.document.id == other.passage.document.id:
        return False
    sentences = _sentence(one), _sentence(other)
    if not _values_differ((_answer(one), sentences[0]), (_answer(other), sentences[1])):
        return False
    asked = content_stems(question)
    covered = [asked & content_stems(f"{_place(w)} {s}") for w, s in zip((one, other), sentences, strict=True)]
    if covered[0] != covered[1] or not _same_names(one, other, sentences):
        return False
    alike = _likeness(sentences, (_answer(one), _answer(other)))
    if _are_versions(one.passage, other.passage):
        return alike >= LEAST_ALIKE
    said = [asked & content_stems(sentence) for sentence in sentences]
    self_contained = min(map(len, said)) >= min(LEAST_ASKED, len(asked)) and len(asked) > 1
    return alike >= LEAST_ALIKE_ELSEWHERE and self_contained and not _own_scope(one, other, all_weighed)


def _values_differ(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Tell whether two answers, each with its sentence, are two values of one kind that cannot both be meant."""
    (answer, sentence), (other_answer, other_sentence) = one, other
    values, others = _measures(answer, sentence), _measures(other_answer, other_sentence)
    if values and others:
        if {q.number for q in values} & {q.number for q in quantities(other_sentence)}:
            return False
        if {q.number for q in others} & {q.number for q in quantities(sentence)}:
            return False
        return len(values) == len(others) and {q.unit for q in values} == {q.unit for q in others}
    months, other_months = (set(_MONTH.findall(text)) for text in (answer, other_answer))
    if months and other_months:
        return not months & other_months
    return not values and not others and _is_name(answer) and _is_name(other_answer) and _disjoint(one, other)


def _measures(answer: str, sentence: str) -> frozenset[Quantity]:
    """Return the quantities of an answer, with the units that its sentence gives them."""
    units = {q.number: q.unit for q in quantities(sentence) if q.unit}
    return frozenset(Quantity(q.number, q.unit or units.get(q.number)) for q in quantities(answer))


def _is_name(answer: str) -> bool:
    words = [w for w in _WORD.findall(answer) if w.casefold() not in STOP_WORDS]
    return 0 < len(words) <= MOST_NAME_WORDS and all(w[:1].isupper() and not w.isupper() for w in words)


def _disjoint(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Tell whether neither answer has a word in the sentence of the other."""
    return not content_stems(one[0]) & content_stems(other[1]) and not content_stems(other[0]) & content_stems(one[1])


def _likeness(sentences: tuple[str, str], answers: tuple[str, str]) -> float:
    """Return the share of words that two sentences have in common, without numbers, months and names that answer."""
    values = content_stems(" ".join([*MONTHS, *filter(_is_name, answers)]))
    one, other = ({w for w in content_stems(s) - values if not w[:1].isdigit()} for s in sentences)
    return len(one & other) / len(one | other) if one | other else 0.0


def _same_names(one: Weighed, other: Weighed, sentences: tuple[str, str]) -> bool:
    """Tell whether two sentences name the same things, their answers and months apart."""
    answers = content_stems(f"{_answer(one)} {_answer(other)} {' '.join(MONTHS)}")
    return _names(sentences[0]) - answers == _names(sentences[1]) - answers


def _names(sentence: str) -> frozenset[str]:
    """Return the stems of the words written as names, and of codes such as "P1"."""
    found = set()
    for match in _WORD.finditer(sentence):
        word, before = match.group(), sentence[: match.start()].rstrip()[-1:]
        begins = before in {"", ".", "!", "?", ":", "|"}
        coded = any(c.isdigit() for c in word) and any(c.isalpha() for c in word)
        if (word[:1].isupper() and (not begins or before == ":") and word.casefold() not in STOP_WORDS) or coded:
            found.add(stem(word))
    return frozenset(found)


def _are_versions(one: Passage, other: Passage) -> bool:
    """Tell whether two documents are versions of one: titles or file names are the same, dates and the like apart."""
    pairs = ((one.document.title, other.document.title), (_stem_of(one), _stem_of(other)))
    return any(_subject(a) == _subject(b) and bool(_subject(a)) for a, b in pairs)


def _stem_of(passage: Passage) -> str:
    return passage.document.name.rsplit("/", 1)[-1].rsplit(".", 1)[0].replace("_", " ")


def _subject(title: str) -> frozenset[str]:
    return frozenset(w for w in content_stems(title) - _KIND_OF_DOCUMENT if not _YEAR.fullmatch(w) and "-" not in w)


def _own_scope(one: Weighed, other: Weighed, all_weighed: Sequence[Weighed]) -> bool:
    """Tell whether the title or heading of one names something that the other's does not.

    Titles are written in capitals as they please: a word of one is a name unless some passage writes it small.
    """
    places = [content_stems(_place(w)) - _KIND_OF_DOCUMENT for w in (one, other)]
    apart = {w for w in places[0] ^ places[1] if not _YEAR.fullmatch(w)}
    small = {stem(w) for each in all_weighed for w in _WORD.findall(each.passage.chunk.text) if w[:1].islower()}
    return not apart <= small


def _place(weighed: Weighed) -> str:
    return heading_path(weighed.passage.document.title, weighed.passage.chunk.heading)


def _answer(weighed: Weighed) -> str:
    span = weighed.span
    return weighed.passage.chunk.text[span.start : span.end] if span else ""


def _sentence(weighed: Weighed) -> str:
    """Return the sentence of a passage's answer; of a table's row, the first cell and that of the answer."""
    span = weighed.span
    if span is None:
        return ""
    window = quote_around(weighed.passage, (span.start, span.end))
    cells = window.text.split("; ")
    if len(cells) < 2 or not all(_CELL.match(cell) for cell in cells):
        return window.text
    place, end = span.start + weighed.passage.chunk.start - window.start, 0
    for cell in cells:
        end += len(cell) + len("; ")
        if place < end:
            return cell if cell == cells[0] else f"{cells[0]}; {cell}"
    return window.text
