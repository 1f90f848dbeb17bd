"""Make training pairs about rules, manuals and service pages, in the everyday words of those who ask.

Encyclopaedias, which reading sets are made of, hold no "You may ..." and no "I lost my badge, what now?". The facts in
``policies.txt`` and ``services.txt`` are worded in two ways, with places, sums, people and times drawn at random, and
put among others of their domain. Each comes with questions that it answers and with such on the same matter that it
does not.
"""

import random
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from rag_app.training.evidence_data import Pair
from rag_app.training.table_data import MONTHS, PEOPLE_FIRST, PEOPLE_LAST, PLACES, SYLLABLES

FACTS = tuple(Path(__file__).with_name(name) for name in ("policies.txt", "services.txt"))
KEPT = 9
"""One fact in so many, with all its questions, is kept out of training."""
WHOLE = "*"
"""Stands for the whole sentence, where no part of it is the answer."""
ENTITIES = ("place", "product", "plan", "room", "code", "month")
"""What a question may name in order to ask of one thing rather than another."""
POSITIVE, SILENT, WITHOUT = 0.5, 0.27, 0.15
"""The shares of questions that are answered, that the fact leaves open, and whose fact is not in the passage; the
rest names another thing than the passage does."""
MOST_BESIDE = 4
LEAST_BESIDE = 2
SLOT = re.compile(r"\{(\w+)\}")
WORDS = "two three four five six seven eight nine ten eleven twelve".split()
DRAWN: Mapping[str, tuple[str, ...]] = {
    "role": (
        "your manager", "the head of department", "the team lead", "the shift supervisor", "the site manager",
        "the caretaker", "the works council", "the duty officer", "the managing director", "the committee",
    ),
    "team": (
        "the service desk", "human resources", "the finance department", "the quality team", "the platform team",
        "the legal department", "the facilities team", "the purchasing office", "the security team",
    ),
    "tool": ("Rovelin", "the Hub", "Tamarack", "the travel portal", "Keystone", "Parlour", "Ostrava Desk", "MyPlace"),
    "colour": ("red", "green", "blue", "yellow", "white", "orange", "grey"),
    "plan": ("Basic", "Plus", "Pro", "Team", "Harbour", "Summit", "Silver", "Gold"),
    "room": ("workshop 2", "the paint shop", "laboratory B", "hall 4", "the cold store", "the test bay"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
    "ordinal": ("third", "fourth", "fifth", "10th", "15th", "25th", "28th"),
    "month": tuple(MONTHS),
    "place": tuple(PLACES),
}  # fmt: skip
UNITS = {
    "days": (2, 60), "weeks": (2, 20), "months": (2, 24), "years": (2, 12), "hours": (2, 72), "minutes": (5, 90),
    "seconds": (3, 30),
}  # fmt: skip


@dataclass(slots=True)
class Fact:
    """A fact: its wordings, the questions that a slot or the whole of it answers, and those that it leaves open."""

    domain: str
    heading: str
    wordings: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)

    @property
    def held_out(self) -> bool:
        """Whether the fact is kept out of training."""
        return zlib.crc32(self.heading.encode()) % KEPT == 0


@cache
def all_facts() -> tuple[Fact, ...]:
    """Return the facts of both files, in their order."""
    facts: list[Fact] = []
    domain = ""
    for line in (line for file in FACTS for line in file.read_text(encoding="utf-8").splitlines()):
        mark, rest = line[:1], line[2:].strip()
        if mark == "@":
            domain = rest
        elif mark == "=":
            facts.append(Fact(domain, rest))
        elif mark == "+":
            facts[-1].wordings.append(rest)
        elif mark == "?":
            slot, _, questions = rest.partition(" | ")
            facts[-1].asked += [(slot, question) for question in questions.split(" | ")]
        elif mark == "-":
            facts[-1].left_open += rest.split(" | ")
    return tuple(facts)


def policy_pairs(count: int, rng: random.Random, *, held_out: bool = False) -> Iterator[Pair]:
    """Yield ``count`` questions, half of which their passage answers.

    ``held_out`` asks of the facts that training is kept from, and puts them among others of these.
    """
    for fact, beside in _draw_facts(count, rng, held_out=held_out):
        yield _ask(fact, beside, rng)


def policy_questions(count: int, rng: random.Random) -> Iterator[tuple[Pair, list[tuple[str, str]]]]:
    """Yield ``count`` such questions, each with up to two more (heading, text) of its domain that do not answer it."""
    for fact, beside in _draw_facts(count, rng, held_out=False):
        pair = _ask(fact, beside, rng)
        others = [_write(None, {}, beside, rng)[:2] for _ in range(rng.choice([0, 0, 1, 1, 2]))]
        yield pair, others


def _draw_facts(count: int, rng: random.Random, *, held_out: bool) -> Iterator[tuple[Fact, list[Fact]]]:
    """Yield a fact at a time, and the others of its domain."""
    facts = [fact for fact in all_facts() if fact.held_out == held_out]
    by_domain: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_domain[fact.domain].append(fact)
    for _ in range(count):
        fact = rng.choice(facts)
        yield fact, [f for f in by_domain[fact.domain] if f is not fact] or [f for f in facts if f is not fact]


def _ask(fact: Fact, beside: Sequence[Fact], rng: random.Random) -> Pair:
    drawn = rng.random()
    values = draw_values(fact, rng)
    slot, question = rng.choice(fact.asked)
    entities = [name for name in SLOT.findall(question) if name in ENTITIES]
    if drawn < POSITIVE:
        heading, text, said = _write(fact, values, beside, rng)
        span = said if slot == WHOLE else _within(text, said, values[slot])
        return Pair(_fill(question, values), heading, text, True, span, relevant=True)
    if drawn < POSITIVE + SILENT:
        heading, text, _ = _write(fact, values, beside, rng)
        return Pair(_fill(rng.choice(fact.left_open), values), heading, text, answerable=False, relevant=True)
    if drawn < POSITIVE + SILENT + WITHOUT or not entities:
        heading, text, _ = _write(None, {}, beside, rng)
        return Pair(_fill(question, values), heading, text, answerable=False, relevant=False)
    heading, text, _ = _write(fact, values, beside, rng)
    others = {name: _other(name, values[name], rng) for name in entities}
    return Pair(_fill(question, values | others), heading, text, answerable=False)


def _write(
    fact: Fact | None, values: Mapping[str, str], beside: Sequence[Fact], rng: random.Random
) -> tuple[str, str, tuple[int, int]]:
    """Return a heading, a text that says the fact among others, and where in the text it does."""
    least = 0 if fact else LEAST_BESIDE
    others = rng.sample(beside, min(len(beside), rng.randint(least, MOST_BESIDE)))
    told = [(other, draw_values(other, rng)) for other in others]
    if fact:
        told.insert(rng.randint(0, len(told)), (fact, dict(values)))
    between = rng.choice([" ", " ", "\n", "\n\n", "\n- "])
    text, at = "- " if between == "\n- " else "", (0, 0)
    for number, (own, drawn) in enumerate(told):
        text += between if number else ""
        low = len(text)
        text += _fill(rng.choice(own.wordings), drawn)
        if own is fact:
            at = (low, len(text))
    named = told[0][0]
    own_heading = named.heading if len(told) == 1 or rng.random() < 0.3 else named.domain
    return rng.choice(["", own_heading, own_heading, f"{named.domain} > {named.heading}"]), text, at


def _within(text: str, said: tuple[int, int], value: str) -> tuple[int, int]:
    """Return where a slot's value stands in a fact's sentence, in either case of its first letter."""
    found = re.search(rf"(?<!\w){re.escape(value)}(?!\d)", text[slice(*said)], re.IGNORECASE)
    if found is None:
        raise ValueError(f"{text[slice(*said)]!r} lacks {value!r}")
    return said[0] + found.start(), said[0] + found.end()


def _fill(template: str, values: Mapping[str, str]) -> str:
    """Put values into a template's slots; a slot in capitals begins its sentence."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        known = values[name.casefold()]
        return known[:1].upper() + known[1:] if name[0].isupper() else known

    return SLOT.sub(value, template)


def draw_values(fact: Fact, rng: random.Random) -> dict[str, str]:
    """Draw a value for each slot of a fact's wordings, all different."""
    values: dict[str, str] = {}
    for name in dict.fromkeys(name.casefold() for wording in fact.wordings for name in SLOT.findall(wording)):
        values[name] = next(v for v in iter(partial(_draw, name, rng), "") if v not in values.values())
    return values


def _other(name: str, value: str, rng: random.Random) -> str:
    return next(drawn for drawn in iter(partial(_draw, name, rng), "") if drawn != value)


def _draw(name: str, rng: random.Random) -> str:
    """Draw a value for a slot by its name, but for a number at its end."""
    kind = name.rstrip("0123456789")
    if kind in DRAWN:
        return rng.choice(DRAWN[kind])
    if kind in UNITS:
        number = rng.randint(*UNITS[kind])
        said = WORDS[number - 2] if number - 2 < len(WORDS) and rng.random() < 0.5 else str(number)
        return f"{said} {kind}"
    return {
        "count": lambda: rng.choice([str(rng.randint(2, 40)), rng.choice(WORDS)]),
        "number": lambda: str(rng.randint(2, 52)),
        "percent": lambda: f"{rng.randint(1, 18) * 5}{rng.choice([' percent', '%'])}",
        "money": lambda: rng.choice(["{} euros", "{} EUR", "£{}", "${}", "{} pounds"]).format(rng.randint(2, 90) * 5),
        "pence": lambda: f"{rng.randint(20, 60)} {rng.choice(['pence', 'cents', 'ct'])}",
        "km": lambda: f"{rng.randint(5, 60) * 10} {rng.choice(['km', 'kilometres'])}",
        "kilos": lambda: f"{rng.randint(8, 40)} {rng.choice(['kg', 'kilos'])}",
        "time": lambda: f"{rng.randint(6, 21):02d}:{rng.choice(['00', '15', '30', '45'])}",
        "date": lambda: f"{rng.randint(1, 28)} {rng.choice(MONTHS)}",
        "person": lambda: f"{rng.choice(PEOPLE_FIRST)} {rng.choice(PEOPLE_LAST)}",
        "phone": lambda: rng.choice(["extension {}", "{}", "0{} 55"]).format(rng.randint(100, 9999)),
        "email": lambda: f"{rng.choice(['help', 'office', 'abuse', 'info'])}@{_invented(rng).casefold()}.example",
        "product": lambda: f"{_invented(rng)} {rng.randint(2, 90)}",
        "code": lambda: f"{rng.choice('EFW')}{rng.randint(10, 79)}",
        "measure": lambda: f"{rng.randint(2, 300)} {rng.choice(['cm', 'mm', 'm', 'bar', 'litres'])}",
        "cold": lambda: f"{rng.choice(['-', 'minus '])}{rng.randint(5, 40)} °C",
        "heat": lambda: f"{rng.randint(35, 90)} °C",
    }[kind]()


def _invented(rng: random.Random) -> str:
    return "".join(rng.sample(SYLLABLES, 2)).capitalize()
